extension Tokenizer {
    /// What makes the ids of a text differ between two tokenizers, in a few words; `nil` where they are the same for every
    /// text.
    ///
    /// Compared is what decides ids: vocabulary, merges, how text is normalised and taken apart, added tokens, and what is
    /// put before a text. Not compared are chat templates, what ends or pads a text, and decoding: a token that only one of
    /// both has for padding, or names for a role while the other's vocabulary has it, too, makes no difference.
    ///
    /// - Parameter allowingMore: Whether this one may have tokens that the other has not.
    public func difference(from other: Tokenizer, allowingMore: Bool = false) -> String? {
        for id in 0..<Int32(max(vocabularySize, other.vocabularySize)) {
            let (mine, others) = (text(of: id), other.text(of: id))
            if let mine, let others {
                if mine.elementsEqual(others) { continue }
            } else if mine == nil, others == nil || other.specialTokens.pad?.id == id {
                continue
            } else if others == nil, allowingMore || specialTokens.pad?.id == id {
                continue
            }
            let names = [mine, others].map {
                $0.map { String(decoding: $0, as: UTF8.self).debugDescription } ?? "no token"
            }
            return "id \(id) is \(names[0]) and \(names[1])"
        }
        if !model.encodes(as: other.model) { return "words are put together from tokens in another way" }
        if normalizer != other.normalizer { return "text is normalised in another way" }
        if preTokenizer != other.preTokenizer { return "text is taken apart in another way" }
        for (left, right) in [(self, other), (other, self)] {
            let tokens = left.addedTokens.values.sorted { $0.id < $1.id }
            if let token = tokens.first(where: { !left.isFound($0, in: right) }),
                !(allowingMore && other.text(of: token.id) == nil)
            {
                return "the added token \(token.content.debugDescription), id \(token.id), is found at other places"
            }
        }
        if postProcessor.prefix != other.postProcessor.prefix {
            return "texts begin with the ids \(postProcessor.prefix) and \(other.postProcessor.prefix)"
        }
        return nil
    }

    private func text(of id: Int32) -> ArraySlice<UInt8>? {
        addedTokens[id].map { Array($0.content.utf8)[...] } ?? model.vocabulary.text(of: Int(id))
    }

    /// Whether the other tokenizer finds the token at the same places of a text, or where that makes no difference.
    private func isFound(_ token: AddedToken, in other: Tokenizer) -> Bool {
        if let twin = other.addedTokens[token.id] { return twin.matchesAlike(token) }
        if specialTokens.pad?.id == token.id { return true }
        let hasRole = [specialTokens.bos, specialTokens.eos, specialTokens.unknown].contains { $0?.id == token.id }
        return hasRole && other.text(of: token.id) != nil
    }
}

extension AddedToken {
    /// Whether it is found at the same places of a text; whether it is decoded makes no difference there.
    fileprivate func matchesAlike(_ other: AddedToken) -> Bool {
        var other = other
        other.isSpecial = isSpecial
        return content.utf8.elementsEqual(other.content.utf8) && self == other
    }
}

extension BytePairEncoder {
    fileprivate func encodes(as other: BytePairEncoder) -> Bool {
        merges == other.merges && isByteLevel == other.isByteLevel && unknownID == other.unknownID
            && fusesUnknown == other.fusesUnknown && fallbackIDs == other.fallbackIDs
            && (wholeWords == nil) == (other.wholeWords == nil)
    }
}
