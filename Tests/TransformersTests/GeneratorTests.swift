import TestSupport
import Testing
import Torch
import Transformers

@Suite("Generator")
struct GeneratorTests {
    @Test(
        "Greedy completions with the cache are those of transformers by whole forward passes",
        arguments: ModelFixture.causal + ModelFixture.stretched)
    func greedy(name: String) throws {
        let fixture = try ModelFixture(name)
        let greedy = try #require(fixture.expected.greedy)
        let generator = Generator(try fixture.decoder(), slots: 16)
        let request = GenerationRequest(
            prompt: greedy.prompt, stream: 1, maxNewTokens: greedy.continuation.count)
        let sampling = TokenSampling(temperature: 0)
        let completion = try generator.generate([request], options: .init(sampling: sampling, eosTokenIDs: []))[0]
        #expect(completion.tokens == greedy.continuation)
        #expect(completion.finishReason == .length)
    }

    @Test("Log-probabilities of drawn tokens are those of a packed forward pass", arguments: ModelFixture.causal)
    func logps(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        let requests = Self.requests(20, seed: 3)
        let options = GenerationOptions(sampling: TokenSampling(temperature: 0.8), eosTokenIDs: [2])
        let completions = try Generator(decoder, slots: 16).generate(requests, options: options)
        for (request, completion) in zip(requests, completions) {
            var rows = PackedRows()
            let prompt = rows.append(request.prompt)
            let response = rows.append(completion.tokens, after: prompt)
            var predictions = PredictedTokens()
            predictions.append(completion.tokens, in: response, promptEnd: prompt.upperBound - 1, sequence: 0)
            let whole = withoutGradients { decoder.tokenLogps(rows, predictions: predictions, temperature: 0.8) }
            #expect(largestDifference(whole.logps, Tensor(completion.logps)) < 1e-4)
        }
    }

    @Test(
        "Tokens have the log-probabilities of a whole pass over what is before them, on both sides of a context that changes positions",
        arguments: ModelFixture.stretched)
    func stretched(name: String) throws {
        let decoder = try ModelFixture(name).decoder()
        // Prompts on both sides of it, and one that slots share, of which some are past it.
        let requests =
            Self.requests(6, seed: 7).flatMap { request in
                (0..<3).map {
                    GenerationRequest(
                        prompt: Array(request.prompt.prefix(10 + 6 * $0)), stream: request.stream &* 10 &+ UInt64($0),
                        maxNewTokens: 3 + 8 * $0)
                }
            }
            + [21, 4, 16, 21, 9, 21, 3].enumerated().map {
                GenerationRequest(prompt: [1, 5, 9, 8, 7], stream: 900 + UInt64($0), maxNewTokens: $1)
            }
        let options = GenerationOptions(eosTokenIDs: [2])
        let together = try Generator(decoder, slots: 3).generate(requests, options: options)
        for (request, completion) in zip(requests, together) {
            #expect(try Generator(decoder, slots: 1).generate([request], options: options)[0] == completion)
            for (index, logp) in completion.logps.enumerated() {
                var (rows, predictions) = (PackedRows(), PredictedTokens())
                let range = rows.append(request.prompt + completion.tokens.prefix(index))
                predictions.append([completion.tokens[index]], in: 0..<1, promptEnd: range.upperBound - 1, sequence: 0)
                let whole = withoutGradients { decoder.tokenLogps(rows, predictions: predictions).logps.floats()[0] }
                #expect(abs(whole - logp) < 1e-4)
            }
        }
    }

    @Test("Drawing ends when it is told to: what was whole by then is handed over, and has the same bits")
    func ends() throws {
        let decoder = try ModelFixture("llama").decoder()
        let requests = Self.requests(40, seed: 5)
        let options = GenerationOptions(sampling: TokenSampling(topK: 50), eosTokenIDs: [2, 7, 9])
        let all = try Generator(decoder, slots: 16).generate(requests, options: options)
        var (steps, whole) = (0, 0)
        try Generator(decoder, slots: 16).generate(requests, options: options) {
            steps += 1
            return steps <= 4
        } completed: { index, completion in
            whole += 1
            #expect(completion == all[index] && completion.tokens.count <= 4)
        }
        #expect(steps == 5 && whole > 0 && whole < 40)
    }

    @Test(
        "A completion is the same to the last bit alone, among others, in another order and in another number of slots",
        arguments: ["llama", "gpt2", "gpt_neox", "qwen3"])
    func independence(name: String) throws {
        let decoder = try ModelFixture(name).decoder()
        let requests = Self.requests(40, seed: 5)
        let options = GenerationOptions(sampling: TokenSampling(topK: 50, topP: 0.95), eosTokenIDs: [2, 7, 9])
        let together = try Generator(decoder, slots: 16).generate(requests, options: options)
        #expect(Set(together.map(\.tokens.count)).count > 3, "completions of many lengths, so that slots are refilled")
        let reversed = try Generator(decoder, slots: 48).generate(requests.reversed(), options: options)
        #expect(Array(reversed.reversed()) == together)
        for slots in [1, 5] {
            #expect(try Generator(decoder, slots: slots).generate(requests, options: options) == together)
        }
        let generator = Generator(decoder, slots: 16)
        for index in stride(from: 0, to: requests.count, by: 7) {
            #expect(try generator.generate([requests[index]], options: options) == [together[index]])
        }
    }

    @Test(
        "Completions that share a prompt are the same to the last bit as those that have it for themselves",
        arguments: ["llama", "gpt_neox"])
    func sharedPrompts(name: String) throws {
        let decoder = try ModelFixture(name).decoder()
        let requests = Self.requests(5, seed: 4).flatMap { request in
            (0..<4).map {
                GenerationRequest(
                    prompt: request.prompt, stream: request.stream &* 10 &+ $0, maxNewTokens: 2 + 5 * Int($0))
            }
        }
        let options = GenerationOptions(eosTokenIDs: [])
        let alone = try requests.map { try Generator(decoder, slots: 1).generate([$0], options: options)[0] }
        #expect(Set(alone.map(\.tokens)).count > 15, "samples of a prompt differ")
        for slots in [3, 4, 7, 32] {
            #expect(try Generator(decoder, slots: slots).generate(requests, options: options) == alone)
        }
    }

    @Test(
        "SmolLM2's completions are the same to the last bit alone and among others",
        .enabled(if: TestSupport.smolLM2 != nil, "no SmolLM2 here"))
    func smolLM2() throws {
        let decoder = try ModelDirectory(try #require(TestSupport.smolLM2)).decoder(
            head: .languageModel, trainable: false)
        let requests = Self.requests(20, seed: 2).map {
            GenerationRequest(prompt: $0.prompt, stream: $0.stream, maxNewTokens: 2 + $0.maxNewTokens % 4)
        }
        let generator = Generator(decoder, slots: 16)
        let options = GenerationOptions(eosTokenIDs: [2])
        let together = try generator.generate(requests, options: options)
        for index in [0, 18] {
            #expect(try generator.generate([requests[index]], options: options) == [together[index]])
        }
    }

    @Test("Tokens with the cache are drawn as without it: one whole forward pass a token and the same stream")
    func withoutCache() throws {
        let decoder = try ModelFixture("llama-rope3").decoder()
        let options = GenerationOptions(eosTokenIDs: [2])
        for request in Self.requests(4, seed: 11) {
            let cached = try Generator(decoder).generate([request], options: options)[0]
            var tokens: [Int32] = []
            while tokens.count < request.maxNewTokens, tokens.last != 2 {
                var rows = PackedRows()
                let end = rows.append(request.prompt + tokens).upperBound
                let drawn = withoutGradients {
                    decoder.logits(decoder.hiddenStates(rows).narrowed(0, end - 1..<end)).sampleTokens(
                        options.sampling, keys: [request.stream], counters: [UInt64(tokens.count)], suppressing: [false]
                    )
                }
                tokens += drawn.tokens
            }
            #expect(cached.tokens == tokens)
        }
    }

    @Test("A completion ends with the token that ends it, not before its least length, and says why")
    func ending() throws {
        let decoder = try ModelFixture("qwen2").decoder()
        let ends = Array(0..<80).map { Int32($0) }
        let requests = Self.requests(24, seed: 8)
        let generator = Generator(decoder)
        let free = try generator.generate(requests, options: .init(eosTokenIDs: ends))
        let held = try generator.generate(requests, options: .init(eosTokenIDs: ends, minNewTokens: 4))
        for (completions, least) in [(free, 1), (held, 4)] {
            for (request, completion) in zip(requests, completions) {
                let stops = completion.tokens.last.map(ends.contains) ?? false
                #expect(completion.tokens.count >= min(least, request.maxNewTokens))
                #expect(completion.tokens.count <= request.maxNewTokens)
                #expect(completion.logps.count == completion.tokens.count)
                #expect(!completion.tokens.dropLast().contains(where: ends.contains))
                #expect(completion.finishReason == (stops ? .stop : .length))
                #expect(stops || completion.tokens.count == request.maxNewTokens)
            }
        }
        #expect(free.contains { $0.tokens.count < 4 })
    }

    @Test("Completions are handed over once each, as they end; an error of who takes them ends drawing")
    func handedOver() throws {
        struct Enough: Error {}
        let decoder = try ModelFixture("llama").decoder()
        let requests = Self.requests(40, seed: 5)
        let options = GenerationOptions(eosTokenIDs: [2, 7, 9])
        let generator = Generator(decoder, slots: 6)
        var order: [Int] = []
        var handed: [Int: Completion] = [:]
        try generator.generate(requests, options: options) { index, completion in
            order.append(index)
            handed[index] = completion
        }
        #expect(order.sorted() == Array(requests.indices))
        #expect(order != order.sorted(), "a short completion comes before a long one that was begun earlier")
        let whole = try generator.generate(requests, options: options)
        #expect(requests.indices.map { handed[$0] } == whole)
        var count = 0
        #expect(throws: Enough.self) {
            try generator.generate(requests, options: options) { _, _ in
                count += 1
                if count == 3 { throw Enough() }
            }
        }
        #expect(count == 3)
        #expect(try generator.generate(requests, options: options) == whole, "the next call starts afresh")
    }

    @Test("Other streams draw other tokens, and no requests give no completions")
    func streams() throws {
        let generator = Generator(try ModelFixture("llama").decoder())
        let requests = (0..<8).map { GenerationRequest(prompt: [1, 5, 9], stream: $0, maxNewTokens: 12) }
        let completions = try generator.generate(requests, options: .init(eosTokenIDs: []))
        #expect(Set(completions.map(\.tokens)).count == 8)
        #expect(try generator.generate([], options: .init(eosTokenIDs: [])).isEmpty)
    }

    @Test("Requests that the model cannot serve are errors that say which")
    func errors() throws {
        let generator = Generator(try ModelFixture("gpt2").decoder())
        let attempt = { (prompt: [Int32], count: Int, ends: [Int32]) in
            message {
                let request = GenerationRequest(prompt: prompt, stream: 0, maxNewTokens: count)
                _ = try generator.generate([request], options: .init(eosTokenIDs: ends))
            }
        }
        #expect(attempt([], 3, []) == "\(GenerationError.emptyPrompt(index: 0))")
        #expect(attempt([1], 0, []) == "\(GenerationError.nothingToGenerate(index: 0))")
        #expect(attempt([160], 1, []) == "\(GenerationError.unknownToken(160, vocabularySize: 160))")
        #expect(attempt([1], 1, [-1]) == "\(GenerationError.unknownToken(-1, vocabularySize: 160))")
        #expect(attempt([1], 128, []) == "\(GenerationError.tooLong(index: 0, length: 129, maximum: 128))")
        #expect(attempt([1], 127, []) == nil)
    }

    /// Prompts of 1 to 60 tokens, and 1 to 24 tokens to draw.
    private static func requests(_ count: Int, seed: UInt64) -> [GenerationRequest] {
        var state = seed
        let next = { (bound: UInt64) in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33 % bound)
        }
        return (0..<count).map { index in
            let prompt = (0...next(60)).map { _ in Int32(3 + next(150)) }
            return GenerationRequest(prompt: prompt, stream: seed &+ UInt64(index), maxNewTokens: 1 + next(24))
        }
    }
}
