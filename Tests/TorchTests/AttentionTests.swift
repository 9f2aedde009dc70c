import Testing
import Torch

/// Segment attention against softmax over explicit scores.
@Suite struct AttentionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var rows: Int
        var heads = 4
        var keyHeads = 2
        var options = AttentionOptions(scale: 0.4)
        /// Whether heads have sinks, a fourth input.
        var hasSinks = false
        var segments: [AttentionSegment]

        /// What the operator makes of inputs.
        func attention(_ inputs: [Tensor]) -> Tensor {
            inputs[0].attention(inputs[1], inputs[2], sinks: hasSinks ? inputs[3] : nil, segments: segments, options)
        }

        /// The same with sinks.
        var withSinks: Case {
            var copy = self
            copy.hasSinks = true
            copy.testDescription += ", sinks"
            return copy
        }

        /// The same with scores that are capped, and queries that see the last tokens alone.
        func with(cap: Double?, window: Int?) -> Case {
            var copy = self
            copy.options = AttentionOptions(scale: 0.4, cap: cap, window: window)
            copy.testDescription += ", cap \(cap ?? 0), window \(window ?? 0)"
            return copy
        }
    }

    static let cases =
        plainCases + [plainCases[1].with(cap: 1.5, window: nil), plainCases[3].with(cap: 2, window: 1)]
        + [plainCases[2], plainCases[3], plainCases[5], plainCases[6]].flatMap {
            [$0.with(cap: 1.5, window: nil), $0.with(cap: nil, window: 17), $0.with(cap: 2, window: 100)]
        }
        + [
            plainCases[1], plainCases[3], plainCases[5].with(cap: 2, window: 100),
            plainCases[3].with(cap: nil, window: 17),
            plainCases[6],
        ].map(\.withSinks)

    private static let plainCases = [
        Case(testDescription: "one short segment", rows: 5, segments: [AttentionSegment(rows: 0..<5)]),
        Case(
            testDescription: "one row a segment", rows: 3,
            segments: (0..<3).map { AttentionSegment(rows: $0..<$0 + 1) }),
        Case(
            testDescription: "segments longer than a block of 64 rows", rows: 300, heads: 2, keyHeads: 2,
            segments: [AttentionSegment(rows: 0..<130), AttentionSegment(rows: 130..<300)]),
        Case(
            testDescription: "two responses behind each of two prompts", rows: 180, heads: 6, keyHeads: 2,
            segments: [
                AttentionSegment(rows: 0..<70), AttentionSegment(rows: 70..<80, prefix: 0..<70),
                AttentionSegment(rows: 80..<150, prefix: 0..<70), AttentionSegment(rows: 150..<153),
                AttentionSegment(rows: 153..<160, prefix: 150..<153),
                AttentionSegment(rows: 160..<180, prefix: 150..<153),
            ]),
        Case(
            testDescription: "a prefix that is part of a segment, and one of two segments", rows: 40, heads: 3,
            keyHeads: 1,
            segments: [
                AttentionSegment(rows: 0..<10), AttentionSegment(rows: 10..<20, prefix: 2..<7),
                AttentionSegment(rows: 20..<40, prefix: 0..<20),
            ]),
        Case(
            testDescription: "a group of more queries than a thread takes at once", rows: 800, heads: 3, keyHeads: 1,
            segments: [
                AttentionSegment(rows: 0..<333), AttentionSegment(rows: 333..<400, prefix: 0..<333),
                AttentionSegment(rows: 400..<790, prefix: 0..<333), AttentionSegment(rows: 790..<800),
            ]),
        Case(
            testDescription: "rows that no segment holds", rows: 12,
            segments: [AttentionSegment(rows: 2..<6), AttentionSegment(rows: 8..<11)]),
    ]

    private static let channels = 8

    private func leaves(_ test: Case) -> [(values: [Float], shape: [Int])] {
        var source = NumberSource(17)
        return [
            source.leaf([test.rows, test.heads, Self.channels], scale: 2),
            source.leaf([test.rows, test.keyHeads, Self.channels], scale: 2),
            source.leaf([test.rows, test.keyHeads, Self.channels]),
        ] + (test.hasSinks ? [source.leaf([test.heads], scale: 4)] : [])
    }

    /// The definition, in float64: a mask a segment, a copy of the key heads a query head.
    private func plain(_ inputs: Leaves, _ test: Case) -> Tensor {
        let share = test.heads / test.keyHeads
        let spread = Tensor((0..<test.heads).map { Int64($0 / share) })
        let query = inputs[0].converted(to: .float64)
        let key = inputs[1].converted(to: .float64).selecting(spread, along: 1)
        let value = inputs[2].converted(to: .float64).selecting(spread, along: 1)
        var parts: [Tensor] = []
        var end = 0
        for segment in test.segments {
            parts.append(.zeros([segment.rows.lowerBound - end, test.heads, Self.channels], .float64))
            end = segment.rows.upperBound
            let visible = Tensor((Array(segment.prefix) + Array(segment.rows)).map { Int64($0) })
            let q = query.narrowed(0, segment.rows).transposed(0, 1)
            let k = key.selecting(visible).transposed(0, 1)
            let v = value.selecting(visible).transposed(0, 1)
            var mask: [Double] = []
            for row in segment.rows.indices {
                // Places in the sequence that a prefix begins.
                let own = segment.prefix.count + row - segment.rows.lowerBound
                let first = test.options.window.map { own - $0 + 1 } ?? 0
                mask += (0..<visible.count).map { $0 >= first && $0 <= own ? 0 : -1e30 }
            }
            var scores = q.matmul(k.transposed(1, 2)) * test.options.scale
            if let cap = test.options.cap { scores = (scores / cap).tanh() * cap }
            scores = scores + Tensor(mask, shape: [segment.rows.count, visible.count])
            if test.hasSinks {
                let beside = inputs[3].converted(to: .float64).reshaped([test.heads, 1, 1])
                let column = Tensor.zeros([test.heads, segment.rows.count, 1], .float64) + beside
                scores = Tensor.concatenated([scores, column], along: 2)
            }
            let weights = scores.softmax(-1).narrowed(2, 0..<visible.count)
            parts.append(weights.matmul(v).transposed(0, 1))
        }
        parts.append(.zeros([test.rows - end, test.heads, Self.channels], .float64))
        return Tensor.concatenated(parts)
    }

    @Test("values and gradients equal softmax over explicit scores", arguments: cases)
    func againstDefinition(test: Case) {
        let leaves = leaves(test)
        let fused = Evaluation(leaves) { inputs in test.attention(leaves.indices.map { inputs[$0] }) }
        let plain = Evaluation(leaves) { self.plain($0, test) }
        #expect(fused.difference(to: plain) < 5e-6)
    }

    @Test(
        "a segment's rows do not depend on other segments: same bits alone and in company",
        arguments: [cases[3], cases[3].with(cap: 1, window: 9)])
    func company(test: Case) {
        let leaves = Leaves(leaves(test))
        let whole = leaves[0].attention(leaves[1], leaves[2], segments: test.segments, test.options)
        let part = { (tensor: Tensor) in tensor.detached().narrowed(0, 150..<180) }
        let alone = part(leaves[0]).attention(
            part(leaves[1]), part(leaves[2]),
            segments: [
                AttentionSegment(rows: 0..<3), AttentionSegment(rows: 3..<10, prefix: 0..<3),
                AttentionSegment(rows: 10..<30, prefix: 0..<3),
            ], test.options)
        #expect(part(whole).floats() == alone.floats())
    }

    @Test(
        "cached attention, a token at a time, equals attention over the whole sequence",
        arguments: [(9, 8, 2), (40, 16, 1), (35, 24, 4), (16, 64, 3), (17, 20, 9)],
        [
            AttentionOptions(scale: 0.5), AttentionOptions(scale: 0.5, cap: 1.2),
            AttentionOptions(scale: 0.5, cap: 3, window: 18), AttentionOptions(scale: 0.5, window: 5),
        ])
    func cache(shape: (length: Int, channels: Int, share: Int), options: AttentionOptions) {
        for hasSinks in [false, true] { cache(shape, options, hasSinks: hasSinks) }
    }

    private func cache(
        _ shape: (length: Int, channels: Int, share: Int), _ options: AttentionOptions, hasSinks: Bool
    ) {
        let (length, channels, share) = shape
        let keyHeads = 2
        let heads = keyHeads * share
        var source = NumberSource(23)
        // Two sequences, in slots 2 and 0 of 3; a third one copies the first's start.
        let (lengths, slots) = ([length, 5], [2, 0])
        let count = length + 5
        let query = Tensor(source.floats(count * heads * channels), shape: [count, heads, channels])
        let key = Tensor(source.floats(count * keyHeads * channels), shape: [count, keyHeads, channels])
        let value = Tensor(source.floats(count * keyHeads * channels), shape: [count, keyHeads, channels])
        let sinks = hasSinks ? Tensor(source.floats(heads)) * 3 : nil
        let whole = query.attention(
            key, value, sinks: sinks,
            segments: [AttentionSegment(rows: 0..<length), AttentionSegment(rows: length..<count)],
            options)
        let cache = AttentionCache(slots: 3, heads: keyHeads, capacity: length, channels: channels)
        #expect((length..<length + 16).contains(cache.capacity))
        for step in 0..<length {
            // Rows of both sequences while both last, in reverse order.
            let live = [1, 0].filter { step < lengths[$0] }
            let rows = Tensor(live.map { Int64($0 * length + step) })
            let places = live.map { Int64(slots[$0]) }
            cache.write(
                key.selecting(rows), value.selecting(rows), slots: places,
                positions: live.map { _ in Int64(step) })
            let result = cache.attention(
                query.selecting(rows), sinks: sinks, slots: places, lengths: live.map { _ in Int64(step + 1) }, options)
            #expect(relativeDifference(result.floats(), whole.selecting(rows).floats()) < 1e-6)
        }
        cache.copy(from: 2, to: 1, count: length - 2)
        let row = Tensor([Int64(length - 3)])
        let copied = cache.attention(
            query.selecting(row), sinks: sinks, slots: [1], lengths: [Int64(length - 2)], options)
        #expect(relativeDifference(copied.floats(), whole.selecting(row).floats()) < 1e-6)
    }
}
