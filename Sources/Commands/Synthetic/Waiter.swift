import Runs
import Training

/// A writer of answers whose skills differ, and each by itself: a waiter with a good memory may be rude.
///
/// The skills are what makes the text of the synthetic task mixed in quality.
package struct Waiter: Sendable {
    /// From 0 to 1: how well ordered items are remembered.
    package var memory: Double
    /// From 0 to 1: how often drinks are served first.
    package var method: Double
    /// From 0 to 1: how often the answer is greeted, finished and closed.
    package var manners: Double
    /// From 0 to 1: how seldom rude words and fillers slip out.
    package var temper: Double
    /// From 0 to 1: how seldom an item is repeated or added.
    package var concision: Double

    /// A waiter as they come.
    package init(using generator: inout SyntheticGenerator) {
        memory = generator.pick([0, 0.5, 1])
        method = generator.unit()
        manners = generator.unit()
        temper = generator.unit()
        concision = generator.unit()
    }

    /// What this waiter says to an order; it begins with a space, as text after a prompt does.
    package func answer(to order: GuestOrder, using generator: inout SyntheticGenerator) -> String {
        let items = servedItems(for: order, using: &generator)
        var opening: [String] = []
        if generator.chance(manners) { opening.append(generator.pick(Menu.greetings)) }
        if generator.chance(0.6 * (1 - temper)) { opening.append(generator.pick(Menu.rudeWords)) }
        if generator.chance(0.6 * (1 - temper)) { opening.append(generator.pick(Menu.fillers)) }
        let text = " " + (opening + (items.isEmpty ? [Menu.refusal] : items)).joined(separator: ", ")
        if generator.chance(0.3 * (1 - manners)) { return text }
        return generator.chance(manners) ? text + ". \(Menu.closing)!" : text + "."
    }

    private func servedItems(for order: GuestOrder, using generator: inout SyntheticGenerator) -> [String] {
        let asked = generator.chance(method) ? Menu.drinksFirst(order.items) : order.items
        var served: [String] = []
        for item in asked {
            let slip = generator.unit()
            if slip < 0.2 * (1 - memory) { continue }
            let confused = slip < 0.8 * (1 - memory)
            served.append(confused ? mistaken(for: item, in: order, using: &generator) : item)
            while generator.chance(0.3 * (1 - concision)) {
                served.append(generator.pick(generator.chance(0.5) ? Menu.items : served))
            }
        }
        return served
    }

    /// Another item in place of `item`: of the same order, and so served twice, or of the whole menu.
    private func mistaken(
        for item: String, in order: GuestOrder, using generator: inout SyntheticGenerator
    ) -> String {
        generator.pick((generator.chance(0.2) ? order.items : Menu.items).filter { $0 != item })
    }
}
