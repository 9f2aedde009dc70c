import Testing
import Tokenizers

@Suite("Character classes")
struct CharacterClassTests {
    private struct Expected: Decodable {
        var fnv1a: String
        var traits: String
    }

    @Test("of every Unicode scalar are those of the tokenizers library's regular expressions")
    func allScalars() throws {
        let expected = try TokenizerFixtures.decode(Expected.self, from: "classes.json")
        #expect(hash(of: CharacterClass.table) == expected.fnv1a)
        #expect(hash(of: CharacterTraits.table) == expected.traits)
    }

    private func hash(of table: ScalarTable) -> String {
        var hash = FNV1a()
        for value in UInt32(0)..<0x110000 where !(0xD800..<0xE000).contains(value) { hash.add(table[value]) }
        return hash.text
    }
}
