import Commands
import Testing

@Suite("Lists of seeds")
struct SeedListTests {
    @Test(
        "Numbers and ranges are read in any order, and written in theirs",
        arguments: [
            ("1-10", Array(1...10), "1-10"), ("7,1,3-5", [1, 3, 4, 5, 7], "1,3-5,7"), ("0", [0], "0"),
            ("4-4,5", [4, 5], "4-5"), ("007", [7], "7"),
        ])
    func reading(text: String, seeds: [Int], written: String) throws {
        #expect(try SeedList(text, option: "--seeds").seeds == seeds)
        #expect(seeds.asSeeds == written)
    }

    @Test(
        "What is no seed, twice there, or without end is refused",
        arguments: [
            ("", "a seed is missing in ''"), ("1,,2", "a seed is missing in '1,,2'"), ("1,x", "'x' is no seed"),
            ("1-", "'1-' is no seed"), ("-1", "'-1' is no seed"), ("1-2-3", "'1-2-3' is no seed"),
            ("1.5", "'1.5' is no seed"), ("٣", "'٣' is no seed"), ("12345678901", "'12345678901' is no seed"),
            ("1 ", "'1 ' is no seed"), ("5-3", "'5-3' counts down"), ("1-3,2", "seed 2 is there twice in '1-3,2'"),
            ("1-999999999", "more than 10000 seeds in '1-999999999'"),
        ])
    func refusals(text: String, problem: String) {
        let error = #expect(throws: StudyError.self) { try SeedList(text, option: "--seeds") }
        #expect(error?.place == "--seeds")
        #expect(error?.problem == problem)
    }
}
