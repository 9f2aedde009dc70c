/// The words of the synthetic task: what a guest can order, and how a waiter may answer.
public enum Menu {
    /// Served before any dish.
    public static let drinks = ["tea", "coffee", "juice", "milk"]

    /// Served after the drinks.
    public static let dishes = ["soup", "rice", "cake", "pie", "salad", "bread"]

    /// All that can be ordered.
    public static let items = drinks + dishes

    /// Words that open a courteous answer.
    public static let greetings = ["certainly", "gladly"]

    /// Words that no guest should hear.
    public static let rudeWords = ["ugh", "whatever"]

    /// Words that add nothing.
    public static let fillers = ["well", "um"]

    /// What a waiter says who serves nothing.
    public static let refusal = "no"

    /// The word that closes a courteous answer.
    public static let closing = "enjoy"

    /// Whether `item` is a drink.
    public static func isDrink(_ item: String) -> Bool { drinks.contains(item) }

    /// The drinks among `items` in their order, then the dishes in theirs: how an order should be served.
    public static func drinksFirst(_ items: [String]) -> [String] {
        items.filter(isDrink) + items.filter { !isDrink($0) }
    }
}
