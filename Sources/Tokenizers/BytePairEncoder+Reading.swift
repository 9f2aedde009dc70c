extension BytePairEncoder {
    /// - Parameter node: `model` of a `tokenizer.json`.
    init(_ node: LocatedJSON, isByteLevel: Bool) throws {
        // Old files name no type: BPE is the only model with merges.
        let type = try node["type"]?.string() ?? (node["merges"] == nil ? "without a type" : "BPE")
        guard type == "BPE" else { throw node.unsupported("model \(type)") }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = try node[key]?.string(), !affix.isEmpty { throw node.unsupported("BPE with \(key)") }
        }
        if let dropout = node["dropout"], dropout.value.double != 0 { throw node.unsupported("BPE with dropout") }
        let vocabulary = try Self.vocabulary(try node.required("vocab"))
        self.vocabulary = vocabulary
        self.isByteLevel = isByteLevel
        let merges = try Self.merges(try node.required("merges"), vocabulary)
        self.merges = MergeTable(merges)
        byteSymbols = (0..<256).map { byte in
            if isByteLevel { return vocabulary.id(of: String(ByteAlphabet.characters[byte])) ?? -1 }
            return byte < 128 ? vocabulary.id(of: String(Unicode.Scalar(UInt8(byte)))) ?? -1 : -1
        }
        unknownID = try node["unk_token"].map { unknown in
            guard let id = vocabulary.id(of: try unknown.string()) else {
                throw unknown.invalid("\(try unknown.string().debugDescription) is not in the vocabulary")
            }
            return id
        }
        fusesUnknown = try node.bool("fuse_unk", default: false)
        fallbackIDs =
            try node.bool("byte_fallback", default: false)
            ? (0..<256).map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>") ?? -1
            } : nil
        wholeWords =
            try node.bool("ignore_merges", default: false)
            ? (isByteLevel ? Self.wholeWords(vocabulary) : vocabulary) : nil
        let space = Self.visibleSpace
        separatesAtSpace =
            !isByteLevel && wholeWords == nil && space.withUnsafeBufferPointer { vocabulary.id(of: $0) } != nil
            && merges.allSatisfy { merge in
                let left = vocabulary.text(of: Int(merge.left)) ?? []
                return left.suffix(3).elementsEqual(space)
                    || vocabulary.text(of: Int(merge.right))?.starts(with: space) == false
            }
    }

    private static func vocabulary(_ node: LocatedJSON) throws -> Vocabulary {
        let members = try node.members()
        let entries = try members.map { member in
            (text: Array(member.key.utf8), id: try member.value.integer(in: 0...Vocabulary.maximumID))
        }
        // Tables are sized by the greatest id, so it must be in proportion to what the file holds.
        let limit = 16 * entries.count + 65_536
        if let stray = entries.first(where: { $0.id >= limit }) {
            throw node.invalid("id \(stray.id) is far beyond the \(entries.count) tokens that there are")
        }
        return try Vocabulary(entries) { index in
            throw members[index].value.invalid("the token or its id \(entries[index].id) comes twice")
        }
    }

    private static func merges(
        _ node: LocatedJSON, _ vocabulary: Vocabulary
    ) throws -> [(left: Int32, right: Int32, result: Int32)] {
        guard case .array(let elements) = node.value else { throw node.invalid("expected a list of merges") }
        return try elements.enumerated().map { index, element in
            let pair: [[UInt8]]
            switch element {
            case .string(let text):
                pair = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { Array($0) }
            case .array(let parts):
                pair = parts.compactMap { if case .string(let text) = $0 { Array(text.utf8) } else { nil } }
            default:
                pair = []
            }
            guard pair.count == 2 else { throw node.invalid("merge \(index) is not a pair of tokens") }
            func id(_ text: [UInt8]) throws -> Int32 {
                guard let id = text.withUnsafeBufferPointer({ vocabulary.id(of: $0) }) else {
                    let name = String(decoding: text, as: UTF8.self).debugDescription
                    throw node.invalid("merge \(index) needs the token \(name), which is not in the vocabulary")
                }
                return id
            }
            return (try id(pair[0]), try id(pair[1]), try id(pair[0] + pair[1]))
        }
    }

    private static func wholeWords(_ vocabulary: Vocabulary) -> Vocabulary {
        let entries = (0..<vocabulary.idLimit).compactMap { id in
            vocabulary.text(of: id).flatMap { ByteAlphabet.decode($0) }.map { (text: $0, id: id) }
        }
        return Vocabulary(entries) { _ in }
    }
}
