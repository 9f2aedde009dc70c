/// Divides work by its size in tokens; a pure function, so every rank finds the same division by itself.
public enum TokenBalancer {
    /// Gives each item to one of `shares`: the largest first, each to the share that has the least so far.
    ///
    /// Equal items go in order, and equal shares are filled from the first, so the result is the same everywhere. The
    /// largest share exceeds the mean by less than the largest item. With fewer items than shares, some shares stay
    /// empty.
    /// - Returns: For each share, the places of its items in `sizes`, ascending.
    public static func share(_ sizes: [Int], over shares: Int) -> [[Int]] {
        precondition(shares > 0, "\(shares) shares")
        var loads = Array(repeating: 0, count: shares)
        var result = Array(repeating: [Int](), count: shares)
        for item in largestFirst(sizes) {
            var least = 0
            for share in 1..<max(shares, 1) where loads[share] < loads[least] { least = share }
            loads[least] += sizes[item]
            result[least].append(item)
        }
        return result.map { $0.sorted() }
    }

    /// Groups items so that no group exceeds `budget`: the largest first, each into the first group with room for it.
    ///
    /// An item larger than the budget has a group of its own.
    /// - Returns: For each group, the places of its items in `sizes`, ascending.
    public static func group(_ sizes: [Int], budget: Int) -> [[Int]] {
        var rooms: [Int] = []
        var groups: [[Int]] = []
        for item in largestFirst(sizes) {
            if let group = rooms.firstIndex(where: { $0 >= sizes[item] }) {
                rooms[group] -= sizes[item]
                groups[group].append(item)
            } else {
                rooms.append(budget - sizes[item])
                groups.append([item])
            }
        }
        return groups.map { $0.sorted() }
    }

    private static func largestFirst(_ sizes: [Int]) -> [Int] {
        sizes.indices.sorted { sizes[$0] == sizes[$1] ? $0 < $1 : sizes[$0] > sizes[$1] }
    }
}
