import Runs
import Training

/// The words of the synthetic task: what a guest can order, and how a waiter may answer.
package enum Menu {
    /// Served before any dish.
    package static let drinks = ["tea", "coffee", "juice", "milk"]

    /// Served after the drinks.
    package static let dishes = ["soup", "rice", "cake", "pie", "salad", "bread"]

    /// All that can be ordered.
    package static let items = drinks + dishes

    /// Words that open a courteous answer.
    package static let greetings = ["certainly", "gladly"]

    /// Words that no guest should hear.
    package static let rudeWords = ["ugh", "whatever"]

    /// Words that add nothing.
    package static let fillers = ["well", "um"]

    /// What a waiter says who serves nothing.
    package static let refusal = "no"

    /// The word that closes a courteous answer.
    package static let closing = "enjoy"

    /// Whether `item` is a drink.
    package static func isDrink(_ item: String) -> Bool { drinks.contains(item) }

    /// The drinks among `items` in their order, then the dishes in theirs: how an order should be served.
    package static func drinksFirst(_ items: [String]) -> [String] {
        items.filter(isDrink) + items.filter { !isDrink($0) }
    }
}
