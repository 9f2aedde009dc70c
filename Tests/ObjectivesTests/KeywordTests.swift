import Objectives
import Testing
import Torch

@Suite("Key phrases")
struct KeywordTests {
    private func variants(_ text: String, _ degrees: Int = 3) -> [String] {
        ResponseVariants.withoutKeywords(degrees: degrees).texts(text)
    }

    @Test("Contractions of stop words end a phrase, whichever apostrophe they have; other words keep theirs")
    func contractions() {
        #expect(
            variants("I don't think it’s the dog's ball. You can’t eat rocks, they're hard.", 1) == [
                "I don't it’s the. You can’t, they're."
            ])
    }

    @Test("A line ends a phrase; line breaks and white space at the ends stay")
    func lines() {
        #expect(variants(" Ingredients:\nFlour\n\nBrown sugar  and eggs \n", 1) == [" :\n\n\nand \n"])
        #expect(variants("Flour\nBrown sugar", 2) == ["Flour", ""])
    }

    @Test("A text without key phrases is itself, and one with fewer than degrees repeats itself")
    func few() {
        #expect(variants("No, it is not.") == ["No, it is not.", "No, it is not.", "No, it is not."])
        #expect(variants("Paris.") == [".", ".", "."])
        #expect(variants("") == ["", "", ""])
    }

    @Test("Degrees that are not there count nothing, and a response without any has no loss")
    func counted() {
        let logits = Tensor((0..<16).map { Float($0 % 5) * 0.3 }, shape: [1, 2, 2, 4]).narrowed(3, 0..<2)
        let whole = KeywordDegrees.losses(logits.contiguous())
        let one = KeywordDegrees.losses(logits.contiguous(), counted: [true, true, false, false]).item()
        let other = KeywordDegrees.losses(logits.contiguous(), counted: [false, false, true, true]).item()
        #expect(abs(whole.item() - one - other) < 1e-6)
        #expect(KeywordDegrees.losses(logits.contiguous(), counted: [false, false, false, false]).item() == 0)
    }
}
