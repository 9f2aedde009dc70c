/// What is done to a text before and after it is encoded, and to tokens when they are decoded: the parts of a
/// `tokenizer.json`, with what the tokenizer's class makes of the files beside it.
struct TokenizerSteps {
    private(set) var normalizer: Normalizer?
    private(set) var preTokenizer: PreTokenizer
    private(set) var postProcessor: PostProcessor
    private(set) var decoder: TokenDecoder

    init(_ document: LocatedJSON, settings: TokenizerSettings, class tokenizerClass: TokenizerClass) throws {
        normalizer = try document["normalizer"].map { try Normalizer($0) }
        preTokenizer = try PreTokenizer(document["pre_tokenizer"])
        postProcessor = try PostProcessor(document["post_processor"])
        decoder = try TokenDecoder(document["decoder"])
        if preTokenizer.isByteLevelAlone, let adds = tokenizerClass.prefixSpace(try settings.prefixSpace?.bool()) {
            preTokenizer.setPrefixSpace(adds)
        }
        if tokenizerClass.decidesVisibleSpace, let setting = settings.prefixSpace { try decideVisibleSpace(setting) }
        if tokenizerClass.ignoresPostProcessor, !settings.addsBOS, !settings.addsEOS { postProcessor.clear() }
    }

    private mutating func decideVisibleSpace(_ setting: LocatedJSON) throws {
        if try !setting.bool() {
            normalizer = normalizer?.withoutPrepend
            preTokenizer.dropVisibleSpace()
            decoder.keepFirstSpace()
        } else if !preTokenizer.prependsVisibleSpace, !(normalizer?.prepends ?? false) {
            throw setting.invalid("tokenizer.json puts no space in front of a text; make both say the same")
        }
    }
}
