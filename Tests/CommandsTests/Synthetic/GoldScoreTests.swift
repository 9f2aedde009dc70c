import Commands
import Runs
import Testing
import Training

@Suite struct GoldScoreTests {
    private let order = GuestOrder(items: ["rice", "tea", "pie", "milk"])

    private func score(_ completion: String) -> GoldScore { GoldScore(order: order, completion: completion) }

    @Test("the ideal answer has every part and the highest total")
    func ideal() {
        #expect(order.idealAnswer == " certainly, tea, milk, rice, pie. enjoy!")
        let gold = score(order.idealAnswer)
        #expect(gold.served == 4 && gold.extras == 0 && gold.rudeness == 0 && gold.fillers == 0)
        #expect(gold.drinksFirst == 0.5 && gold.greeting == 0.5 && gold.closing == 0.5 && gold.ending == 0.5)
        #expect(gold.total == 6)
    }

    @Test("the right answer depends on the prompt")
    func promptMatters() {
        let other = GuestOrder(items: ["cake", "coffee", "soup", "juice"])
        let gold = GoldScore(order: other, completion: order.idealAnswer)
        #expect(gold.served == 0 && gold.extras == -4)
        #expect(gold.total == -2)
    }

    @Test(
        "each part is what a reader counts by hand",
        arguments: [
            // completion, served, extras, drinks first, greeting, closing, ending, rudeness, fillers
            (" tea, milk, rice, pie", [4, 0, 0.5, 0, 0, 0, 0, 0]),
            (" tea, milk, rice.", [3, 0, 0.5, 0, 0, 0.5, 0, 0]),
            (" gladly, rice, tea. enjoy!", [2, 0, 0, 0.5, 0.5, 0.5, 0, 0]),
            (" tea, tea, tea, cake!", [1, -3, 0.5, 0, 0, 0.5, 0, 0]),
            (" ugh, whatever, well, um, pie.", [1, 0, 0.5, 0, 0, 0.5, -1, -0.5]),
            (" ugh, certainly, tea. enjoy", [1, 0, 0.5, 0, 0, 0, -0.5, 0]),
            (", certainly, tea enjoy!", [1, 0, 0.5, 0, 0, 0.5, 0, 0]),
            (" no.", [0, 0, 0, 0, 0, 0.5, 0, 0]),
            (" teapot, pies", [0, 0, 0, 0, 0, 0, 0, 0]),
            ("", [0, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(String, [Double])])
    func parts(completion: String, expected: [Double]) {
        let gold = score(completion)
        #expect(
            [
                gold.served, gold.extras, gold.drinksFirst, gold.greeting, gold.closing, gold.ending, gold.rudeness,
                gold.fillers,
            ] == expected)
        #expect(gold.total == expected.reduce(0, +))
    }

    @Test("an order is read back from its prompt, and nothing else is taken for one")
    func reading() throws {
        #expect(order.prompt == "Guest: rice, tea, pie, milk.\nWaiter:")
        #expect(try GuestOrder(prompt: order.prompt) == order)
        for text in [
            "", "Guest: rice, tea.", "Guest: stones.\nWaiter:", "Guest: tea, tea.\nWaiter:", "Guest: .\nWaiter:",
        ] {
            #expect(throws: SyntheticTaskError.notAnOrder(text)) { try GuestOrder(prompt: text) }
        }
    }
}
