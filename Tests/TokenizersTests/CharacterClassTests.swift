import Testing
import Tokenizers

@Suite("Character classes")
struct CharacterClassTests {
    @Test("of every Unicode scalar are those of the tokenizers library's regular expressions")
    func allScalars() throws {
        struct Expected: Decodable { var fnv1a: String }
        let expected = try TokenizerFixtures.decode(Expected.self, from: "classes.json")
        var hash = FNV1a()
        for value in UInt32(0)..<0x110000 where !(0xD800..<0xE000).contains(value) {
            hash.add(CharacterClass.Table.shared.rawClass(value))
        }
        #expect(hash.text == expected.fnv1a)
    }
}
