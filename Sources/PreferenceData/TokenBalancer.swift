/// Divides work by its size in tokens; a pure function, so every rank finds the same division by itself.
public enum TokenBalancer {
    /// Gives each item to one of `shares`: the largest first, each to the share that has the least so far.
    ///
    /// Equal items go in order, and equal shares are filled from the first, so the result is the same everywhere. The
    /// largest share exceeds the mean by less than the largest item. With fewer items than shares, some shares stay
    /// empty.
    /// - Returns: For each share, the indices of its items in `sizes`, ascending.
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
    /// - Returns: For each group, the indices of its items in `sizes`, ascending.
    public static func group(_ sizes: [Int], budget: Int) -> [[Int]] {
        var rooms = Rooms(capacity: sizes.count)
        var groups: [[Int]] = []
        for item in largestFirst(sizes) {
            if let group = rooms.first(atLeast: sizes[item]) {
                rooms[group] -= sizes[item]
                groups[group].append(item)
            } else {
                rooms[groups.count] = budget - sizes[item]
                groups.append([item])
            }
        }
        return groups.map { $0.sorted() }
    }

    private static func largestFirst(_ sizes: [Int]) -> [Int] {
        sizes.indices.sorted { sizes[$0] == sizes[$1] ? $0 < $1 : sizes[$0] > sizes[$1] }
    }
}

/// The rooms of groups, in a tree that knows the most of each half: so the first group with enough room is found in
/// logarithmic time.
private struct Rooms {
    /// The root at 1, the children of a node at twice its index and the next; the leaves are the groups.
    private var most: [Int]
    private let leaves: Int

    /// Room in up to `capacity` groups, of which there is none yet.
    init(capacity: Int) {
        var leaves = 1
        while leaves < capacity { leaves *= 2 }
        self.leaves = leaves
        most = Array(repeating: .min, count: 2 * leaves)
    }

    subscript(group: Int) -> Int {
        get { most[leaves + group] }
        set {
            var node = leaves + group
            most[node] = newValue
            while node > 1 {
                node /= 2
                most[node] = max(most[2 * node], most[2 * node + 1])
            }
        }
    }

    func first(atLeast size: Int) -> Int? {
        guard most[1] >= size else { return nil }
        var node = 1
        while node < leaves { node = most[2 * node] >= size ? 2 * node : 2 * node + 1 }
        return node - leaves
    }
}
