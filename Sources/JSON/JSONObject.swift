/// A JSON object whose keys keep their order; two keys are the same where their code points are.
public struct JSONObject: Sendable, Equatable {
    /// One key and its value.
    public struct Entry: Sendable, Equatable {
        /// The key.
        public var key: String
        /// The value.
        public var value: JSON

        /// Whether key and value are the same.
        public static func == (left: Self, right: Self) -> Bool {
            left.key.hasSameBytes(as: right.key) && left.value == right.value
        }
    }

    /// The entries in order. No key appears twice, unless the object was read with ``JSON/RepeatedKeys/kept``.
    public private(set) var entries: [Entry] = []

    /// An object without keys.
    public init() {}

    /// An object of these entries.
    ///
    /// - Parameter entries: No key may appear twice.
    package init(uniqueKeysWithValues entries: some Sequence<(String, JSON)>) {
        self.entries = entries.map { Entry(key: $0, value: $1) }
    }

    /// Whether there are no keys.
    package var isEmpty: Bool { entries.isEmpty }

    /// The keys in order.
    public var keys: [String] { entries.map(\.key) }

    /// The value of `key`, the last one where it appears twice. A new key goes to the end, a known one keeps its position,
    /// `nil` removes it.
    public subscript(key: String) -> JSON? {
        get { entries.last { $0.key.hasSameBytes(as: key) }?.value }
        set {
            let index = entries.lastIndex { $0.key.hasSameBytes(as: key) }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (_?, nil): entries.removeAll { $0.key.hasSameBytes(as: key) }
            case (nil, let value?): entries.append(Entry(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// With its keys in ascending order.
    package var sorted: JSONObject {
        var object = self
        object.entries.sort { $0.key < $1.key }
        return object
    }
}

extension JSONObject {
    /// Takes in keys as a file gives them, in time that grows with their number alone.
    struct Builder {
        private(set) var finished = JSONObject()
        private let repeatedKeys: JSON.RepeatedKeys
        /// Positions by key, once there are so many that looking through all takes longer.
        private var positions: [Key: Int] = [:]
        private static let few = 16

        init(_ repeatedKeys: JSON.RepeatedKeys) { self.repeatedKeys = repeatedKeys }

        /// Adds a key, or gives one that is there its new value; `false` where that is refused.
        mutating func add(_ key: String, _ value: JSON) -> Bool {
            guard repeatedKeys != .kept, let index = position(of: key) else {
                finished.entries.append(Entry(key: key, value: value))
                return true
            }
            finished.entries[index].value = value
            return repeatedKeys != .refused
        }

        /// Where a key is; of a new one it is noted where it will be.
        private mutating func position(of key: String) -> Int? {
            let count = finished.entries.count
            guard count >= Self.few else { return finished.entries.firstIndex { $0.key.hasSameBytes(as: key) } }
            if positions.isEmpty {
                for (index, entry) in finished.entries.enumerated() { positions[Key(text: entry.key)] = index }
            }
            if let index = positions[Key(text: key)] { return index }
            positions[Key(text: key)] = count
            return nil
        }
    }

    /// A key that is told from others by its code points.
    private struct Key: Hashable {
        let text: String

        static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }

        func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }
}
