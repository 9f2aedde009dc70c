import Commands
import PreferenceData
import Runs
import Stages
import Training
import Transformers

/// The pairs that are trained on and scored; their prompts are answered.
struct Workload {
    let pairs: [TokenizedPair]

    /// Pairs as a run would read them, in the order of the files.
    init(_ data: [String], model: String, maxLength: Int) throws {
        let limits = try OptionNames.naming { try LengthLimits(maxLength: maxLength) }
        pairs = try TextSettings(model: model).pairs(data, limits: limits)
    }

    /// Made-up pairs: prompts of 16 to 240 tokens and responses of 16 to 112, less where the model computes less, always
    /// the same.
    init(count: Int, for model: ModelConfiguration) {
        let longest = min(model.maximumLength ?? .max, 512)
        var random = SplitMix64(0x6d70_6f00)
        func tokens(_ low: Int, _ high: Int) -> [Int32] {
            (0..<low + random.next(below: high - low + 1)).map { _ in Int32(random.next(below: model.vocabularySize)) }
        }
        let (prompt, response) = ((max(1, longest / 32), longest * 15 / 32), (max(1, longest / 32), longest * 7 / 32))
        pairs = (0..<count).map { index in
            TokenizedPair(
                index: index, prompt: tokens(prompt.0, prompt.1), chosen: tokens(response.0, response.1),
                rejected: tokens(response.0, response.1))
        }
    }

    /// The batch of a step: so many pairs, from the first on, over and over.
    func batch(_ step: Int, size: Int) -> [TokenizedPair] {
        (step * size..<(step + 1) * size).map { index in
            var pair = pairs[index % pairs.count]
            pair.index = index % pairs.count
            return pair
        }
    }

    /// Prompts from number `first` on, over and over.
    func prompts(_ count: Int, from first: Int = 0) -> [[Int32]] {
        (first..<first + count).map { pairs[$0 % pairs.count].prompt }
    }
}
