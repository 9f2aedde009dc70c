/// Parameters whose gradients a backward pass finds one after another.
extension ParameterStore {
    /// Divides the elements of the trained groups into buckets, in the order in which a backward pass comes to them.
    ///
    /// A bucket has whole layers: parameters that were declared side by side with one number in their names. Those of no layer,
    /// such as embeddings, have one each. Neighbours are joined while they have at most `count` elements together.
    ///
    /// - Returns: of each bucket the ranges of elements, padding included.
    public func gradientBuckets(joinedUpTo count: Int) -> [[Range<Int>]] {
        var buckets: [Bucket] = []
        var start = 0
        for group in trained {
            var elements = group.elementsByName.mapValues { start + $0.lowerBound..<start + $0.upperBound }
            for name in group.declarationOrder {
                guard let range = elements.removeValue(forKey: name) else { continue }
                let layer = ParameterGroup.layer(ofParameter: name)
                if layer == nil || buckets.last?.layer != layer { buckets.append(Bucket(layer: layer)) }
                buckets[buckets.count - 1].ranges.append(range)
            }
            start += group.count
        }
        var joined: [Bucket] = []
        for bucket in buckets.reversed() {
            if let last = joined.last, last.count + bucket.count <= count {
                joined[joined.count - 1].ranges += bucket.ranges
            } else {
                joined.append(bucket)
            }
        }
        return joined.map { $0.ranges.joiningNeighbours() }
    }

    private struct Bucket {
        let layer: Substring?
        var ranges: [Range<Int>] = []
        var count: Int { ranges.reduce(0) { $0 + $1.count } }
    }
}

extension [ParameterGroup.Declaration] {
    /// How many elements the largest layer has; 0 where none is of a layer.
    package var countOfLargestLayer: Int {
        let counts = Dictionary(
            map { (ParameterGroup.layer(ofParameter: $0.name), $0.shape.reduce(1, *)) }, uniquingKeysWith: +)
        return counts.filter { $0.key != nil }.values.max() ?? 0
    }
}

extension ParameterGroup {
    /// A parameter's name up to its first number: `model.layers.3`; `nil` for one of no layer.
    fileprivate static func layer(ofParameter name: String) -> Substring? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let number = parts.firstIndex(where: { Int($0) != nil }) else { return nil }
        return name.prefix(parts[...number].reduce(number) { $0 + $1.count })
    }

    /// The elements of each parameter with the padding behind it.
    fileprivate var elementsByName: [String: Range<Int>] {
        let ends = entries.dropFirst().map(\.offset) + [count]
        return Dictionary(
            zip(entries, ends).map { ($0.declaration.name, $0.offset..<$1) }, uniquingKeysWith: { first, _ in first })
    }
}

extension [Range<Int>] {
    /// The same elements in ascending order, in as few ranges as there can be.
    fileprivate func joiningNeighbours() -> [Range<Int>] {
        sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { joined, range in
            if let last = joined.last, last.upperBound == range.lowerBound {
                joined[joined.count - 1] = last.lowerBound..<range.upperBound
            } else {
                joined.append(range)
            }
        }
    }
}
