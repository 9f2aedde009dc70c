import Foundation
import Runs
import Training

/// What a guest asks for: the prompt of the synthetic task.
package struct GuestOrder: Hashable, Sendable {
    /// The items in the order in which the guest names them; each once.
    package let items: [String]

    /// An order of `items`, which are taken as they are.
    package init(items: [String]) {
        self.items = items
    }

    /// Reads an order back from its prompt, `Guest: rice, tea.\nWaiter:`.
    ///
    /// - Throws: `SyntheticTaskError.notAnOrder` where the text is not such a prompt, or names an item that is not on
    ///   the menu or one item twice.
    package init(prompt: String) throws {
        guard prompt.hasPrefix(Self.opening), prompt.hasSuffix(Self.ending) else {
            throw SyntheticTaskError.notAnOrder(prompt)
        }
        let list = prompt.dropFirst(Self.opening.count).dropLast(Self.ending.count)
        let items = list.components(separatedBy: ", ")
        guard items.allSatisfy(Menu.items.contains), Set(items).count == items.count else {
            throw SyntheticTaskError.notAnOrder(prompt)
        }
        self.items = items
    }

    /// The order as the text that a model is given.
    package var prompt: String { Self.opening + items.joined(separator: ", ") + Self.ending }

    /// The answer that has the highest gold score.
    package var idealAnswer: String {
        " \(Menu.greetings[0]), \(Menu.drinksFirst(items).joined(separator: ", ")). \(Menu.closing)!"
    }

    private static let opening = "Guest: "
    private static let ending = ".\nWaiter:"
}
