extension BytePairEncoder {
    /// The first symbols of a byte-level word: one a byte.
    func appendBytes(_ word: UnsafeBufferPointer<UInt8>, _ symbols: inout [Int32]) {
        var unknown: Int32?
        for byte in word {
            let id = byteSymbols[Int(byte)]
            if id >= 0 {
                flush(&unknown, &symbols)
                symbols.append(id)
            } else {
                var character = Array(String(ByteAlphabet.characters[Int(byte)]).utf8)
                character.withUnsafeMutableBufferPointer {
                    appendMissing(UnsafeBufferPointer($0), &unknown, &symbols)
                }
            }
        }
        flush(&unknown, &symbols)
    }

    /// The first symbols of a word: one a character, or its bytes where the vocabulary has no such character.
    func appendCharacters(_ word: UnsafeBufferPointer<UInt8>, _ symbols: inout [Int32]) {
        var unknown: Int32?
        var index = 0
        while index < word.count {
            let length = UTF8Reader.length(leading: word[index])
            let character = UnsafeBufferPointer(rebasing: word[index..<index + length])
            let id = length == 1 ? byteSymbols[Int(word[index])] : vocabulary.id(of: character) ?? -1
            if id >= 0 {
                flush(&unknown, &symbols)
                symbols.append(id)
            } else {
                appendMissing(character, &unknown, &symbols)
            }
            index += length
        }
        flush(&unknown, &symbols)
    }

    private func flush(_ unknown: inout Int32?, _ symbols: inout [Int32]) {
        if let id = unknown {
            symbols.append(id)
            unknown = nil
        }
    }

    private func appendMissing(
        _ character: UnsafeBufferPointer<UInt8>, _ unknown: inout Int32?, _ symbols: inout [Int32]
    ) {
        if let fallbackIDs, character.allSatisfy({ fallbackIDs[Int($0)] >= 0 }) {
            for byte in character { symbols.append(fallbackIDs[Int(byte)]) }
            return
        }
        if !fusesUnknown { flush(&unknown, &symbols) }
        unknown = unknownID
    }
}
