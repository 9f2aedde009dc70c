/// Curves of many points drawn by few.
package enum CurveThinning {
    /// About how many points a curve is drawn by.
    package static let points = 400

    /// Of each stretch of points its lowest and its highest, in order, and both ends.
    package static func thinned(_ curve: [CurvePoint], to count: Int = points) -> [CurvePoint] {
        guard curve.count > count, count > 3 else { return curve }
        let parts = (count - 2) / 2
        var kept = [curve[0]]
        for part in 0..<parts {
            let range = 1 + part * (curve.count - 2) / parts..<1 + (part + 1) * (curve.count - 2) / parts
            guard let low = range.min(by: { curve[$0].value < curve[$1].value }),
                let high = range.max(by: { curve[$0].value < curve[$1].value })
            else { continue }
            kept += low == high ? [curve[low]] : [curve[min(low, high)], curve[max(low, high)]]
        }
        return kept + [curve[curve.count - 1]]
    }

    /// A running mean over a thirtieth of the curve to either side, and less towards the ends, so that those stay about where they
    /// are; `nil` for a curve too short to have noise.
    package static func smoothed(_ curve: [CurvePoint], to count: Int = points / 2) -> [CurvePoint]? {
        guard curve.count >= 40 else { return nil }
        var sums = [0.0]
        sums.reserveCapacity(curve.count + 1)
        for point in curve { sums.append(sums[sums.count - 1] + point.value) }
        let reach = max(2, curve.count / 30)
        let stride = max(1, curve.count / count)
        var indices = Array(Swift.stride(from: 0, to: curve.count, by: stride))
        if indices.last != curve.count - 1 { indices.append(curve.count - 1) }
        return indices.map { index in
            let least = reach / 4
            let side = min(reach, max(index, least), max(curve.count - 1 - index, least))
            let range = max(0, index - side)...min(curve.count - 1, index + side)
            let mean = (sums[range.upperBound + 1] - sums[range.lowerBound]) / Double(range.count)
            return CurvePoint(step: curve[index].step, value: mean)
        }
    }
}
