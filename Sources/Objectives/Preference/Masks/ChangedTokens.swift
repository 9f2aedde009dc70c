extension TokenMask {
    /// 1 for tokens by which one response differs from the other, but for words that carry no meaning of their own.
    static let changedTokens = TokenMask("changed tokens") { pair in
        let isStop = { (token: Int32) in StopWords.contains(pair.text(token)) }
        return changes(chosen: pair.chosen, rejected: pair.rejected, isStop: isStop)
    }

    /// Marks what is outside the blocks of tokens that both responses have in one order, as BMC's code does with Python's
    /// difflib: the longest common block, then those before and after it.
    package static func changes(
        chosen: [Int32], rejected: [Int32], isStop: (Int32) -> Bool
    ) -> (chosen: [Float], rejected: [Float]) {
        let blocks = CommonBlocks(of: rejected, in: chosen).blocks
        func marks(_ tokens: [Int32], _ start: KeyPath<CommonBlocks.Block, Int>) -> [Float] {
            var marks = tokens.map { isStop($0) ? Float(0) : 1 }
            for block in blocks {
                for place in block[keyPath: start]..<block[keyPath: start] + block.length { marks[place] = 0 }
            }
            return marks
        }
        return (marks(chosen, \.second), marks(rejected, \.first))
    }
}

/// Blocks that two sequences share, by Ratcliff and Obershelp's method as difflib has it: elements that fill more than a
/// hundredth of a second sequence of 200 or more do not begin a block.
struct CommonBlocks {
    struct Block: Equatable {
        /// Where it begins in the first and in the second sequence.
        var first: Int
        var second: Int
        var length: Int
    }

    private(set) var blocks: [Block] = []
    private let (first, second): ([Int32], [Int32])
    private let places: [Int32: [Int]]

    init(of first: [Int32], in second: [Int32]) {
        (self.first, self.second) = (first, second)
        let all = Dictionary(grouping: second.indices) { second[$0] }
        let most = second.count / 100 + 1
        places = second.count < 200 ? all : all.filter { $0.value.count <= most }
        // A queue of its own, for responses may share very many blocks.
        var open = [(0..<first.count, 0..<second.count)]
        while let (own, other) = open.popLast() {
            let block = longest(own, other)
            guard block.length > 0 else { continue }
            blocks.append(block)
            open.append((own.lowerBound..<block.first, other.lowerBound..<block.second))
            open.append((block.first + block.length..<own.upperBound, block.second + block.length..<other.upperBound))
        }
    }

    /// The longest block; of equally long ones that which begins first in the first sequence, then in the second.
    private func longest(_ own: Range<Int>, _ other: Range<Int>) -> Block {
        var best = Block(first: own.lowerBound, second: other.lowerBound, length: 0)
        var lengths: [Int: Int] = [:]
        for row in own {
            var grown: [Int: Int] = [:]
            for place in places[first[row]] ?? [] where other.contains(place) {
                let length = (lengths[place - 1] ?? 0) + 1
                grown[place] = length
                if length > best.length {
                    best = Block(first: row - length + 1, second: place - length + 1, length: length)
                }
            }
            lengths = grown
        }
        while best.first > own.lowerBound, best.second > other.lowerBound,
            first[best.first - 1] == second[best.second - 1]
        {
            best = Block(first: best.first - 1, second: best.second - 1, length: best.length + 1)
        }
        while best.first + best.length < own.upperBound, best.second + best.length < other.upperBound,
            first[best.first + best.length] == second[best.second + best.length]
        {
            best.length += 1
        }
        return best
    }
}
