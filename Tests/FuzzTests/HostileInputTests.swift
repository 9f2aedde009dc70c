import Foundation
import FuzzedReaders
import Testing

/// An input, the reader it is for, and what is wrong with it.
struct HostileInput: CustomTestStringConvertible {
    var reader: FuzzedReader
    var harm: String
    var bytes: [UInt8]

    init(_ reader: FuzzedReader, _ harm: String, _ bytes: [UInt8]) {
        (self.reader, self.harm, self.bytes) = (reader, harm, bytes)
    }

    var testDescription: String { "\(reader.rawValue): \(harm)" }
}

@Suite("Inputs that were made to do harm")
struct HostileInputTests {
    static let inputs = [
        HostileInput(.experience, "a negative number of responses", number(2) + number(-1)),
        HostileInput(.experience, "more responses than memory", number(2) + number(.max)),
        HostileInput(
            .experience, "an array longer than the address space",
            number(1) + number(1) + number(0) + number(0) + number(-1)
        ),
        HostileInput(.message, "a header longer than any integer", number(-1) + Array("{}".utf8)),
        HostileInput(.message, "deep nesting", number(200_000) + repeated("[", 200_000)),
        HostileInput(
            .safetensors, "an empty tensor with strides past the address space",
            safetensors(#"{"a":{"dtype":"F32","shape":[4611686018427387904,0,8],"data_offsets":[0,0]}}"#)
        ),
        HostileInput(
            .safetensors, "a tensor of more dimensions than any operator takes",
            safetensors(#"{"a":{"dtype":"F32","shape":[\#(repeated("1,", 5000).text)0],"data_offsets":[0,0]}}"#)
        ),
        HostileInput(.safetensors, "a header of deep nesting", safetensors(repeated("[", 100_000).text)),
        HostileInput(.modelConfiguration, "deep nesting", repeated("{\"a\":", 100_000)),
        HostileInput(
            .modelConfiguration, "a model that no file holds",
            Array(
                (#"{"model_type": "llama", "vocab_size": 16777216, "hidden_size": 131072, "num_hidden_layers": 1024, "#
                    + #""num_attention_heads": 1024, "intermediate_size": 1048576}"#).utf8)
        ),
        HostileInput(.tokenizer, "deep nesting", repeated("{\"a\":", 100_000)),
        HostileInput(
            .tokenizer, "a line break in a name that the message quotes",
            tokenizer(#""normalizer": {"type": "a\nb\r\nc"},"#)
        ),
        HostileInput(
            .runConfiguration, "a line break in a key that the message quotes", Array("\"a\\nb\\r\\nc\": 1".utf8)
        ),
        HostileInput(
            .safetensors, "a line break in a name that the message quotes",
            safetensors(#"{"a\nb":{"dtype":"F32","shape":[1],"data_offsets":[0,0]}}"#)
        ),
        HostileInput(
            .manifest, "a line break in a name that the message quotes",
            Array(#"{"files": {"a\nb": {"size": 1, "crc32": 1}}}"#.utf8)
        ),
        HostileInput(.tokenizer, "an id that makes tables large", tokenizer("", vocabulary: #"{"a": 16777215}"#)),
        HostileInput(
            .tokenizer, "replacements that double a text forty times",
            tokenizer(
                #""added_tokens": [{"id": 0, "content": "a", "normalized": true}], "#
                    + #""normalizer": {"type": "Sequence", "normalizers": ["# + list(doubling, 40) + "]},")
        ),
        HostileInput(
            .tokenizer, "splits and prefixes that double a text forty times",
            tokenizer(
                #""pre_tokenizer": {"type": "Sequence", "pretokenizers": ["# + list(prefixing, 40) + "]},")
        ),
        HostileInput(.tokenizer, "a regular expression of exponential time", tokenizer(splitting(#"(?:\\p{L}+)+1"#))),
        HostileInput(
            .tokenizer, "a regular expression of a high power of time",
            tokenizer(splitting(repeated(#"\\S*"#, 50).text + "1"))
        ),
        HostileInput(.chatTemplate, "deep nesting", repeated("{% if a %}", 12_000)),
        HostileInput(
            .chatTemplate, "megabytes of joined strings",
            Array("{{ 'a'".utf8) + repeated(" + 'a'", 200_000) + Array("}}".utf8)
        ),
        HostileInput(
            .dataset, "an object of many keys",
            Array("{".utf8) + (0..<60_000).flatMap { Array("\"\($0)\":0,".utf8) } + Array("\"prompt\":\"a\"}".utf8)
        ),
        HostileInput(
            .dataset, "a transcript of many turns of one side",
            Array("{\"prompt\": \"".utf8) + repeated(#"\n\nHuman:"#, 30_000) + Array("\"}".utf8)
        ),
        HostileInput(
            .dataset, "a transcript of many turns that have to go",
            Array("{\"prompt\": \"".utf8) + repeated(#"\n\nHuman: a\n\nAssistant: b"#, 2000)
                + Array("\\n\\nHuman: c\\n\\nAssistant:\", \"chosen\": \" a\", \"rejected\": \" b\"}".utf8)
        ),
        HostileInput(
            .dataset, "many messages that have to go",
            Array("{\"prompt\": [".utf8) + repeated(#"{"role": "user", "content": "a"}, "#, 1500)
                + Array(
                    (#"{"role": "user", "content": "b"}], "chosen": [{"role": "assistant", "content": "c"}], "#
                        + #""rejected": [{"role": "assistant", "content": "d"}]}"#).utf8)
        ),
        HostileInput(.dataset, "deep nesting", repeated("[", 100_000)),
        HostileInput(.runConfiguration, "deep nesting in brackets", Array("a: ".utf8) + repeated("[", 100_000)),
        HostileInput(.runConfiguration, "deep nesting by indentation", repeated("- ", 50_000)),
        HostileInput(
            .runConfiguration, "aliases that multiply", Array("a0: &a0 [x, x]\n".utf8) + aliases(1...40) { [$0, $0] }
        ),
        HostileInput(
            .runConfiguration, "a key that is an alias of a tree without end",
            Array("a0: &a0 [x, x]\n".utf8) + aliases(1...29) { [$0, $0] } + Array("*a29 : 1".utf8)
        ),
        HostileInput(
            .runConfiguration, "a key that is a list of aliases of a tree without end",
            Array("a0: &a0 [x, x]\n".utf8) + aliases(1...29) { [$0, $0] } + Array("? [*a29]\n: 1".utf8)
        ),
        HostileInput(
            .runConfiguration, "aliases that nest deeper than any stack",
            Array("a0: &a0 [x]\n".utf8) + aliases(1...100_000) { [$0] }
        ),
        HostileInput(.runState, "deep nesting", repeated("{\"identity\":", 100_000)),
        HostileInput(
            .runState, "a role of a worker that it has not",
            runState(stages: #""split": {"learners": [], "samplers": [7]}"#)
        ),
        HostileInput(
            .runState, "a line break in a value that the message quotes",
            runState(settings: #""seed": "a\nb\r\nc""#)
        ),
        HostileInput(.journal, "deep nesting", repeated("[", 100_000)),
        HostileInput(
            .journal, "rewards whose gap is past all numbers",
            Array((#"[{"index":0,"scores":[1e308,-1e308]},{"index":1,"scores":[0,0]}]"# + "\n").utf8)
        ),
        HostileInput(
            .journal, "a gap too small to be divided",
            Array((#"[{"index":0,"scores":[5e-324,0]},{"index":1,"scores":[0,0]}]"# + "\n").utf8)
        ),
        HostileInput(
            .journal, "policies that answered other prompts",
            Array(
                ((0...1).map {
                    #"[{"policy":\#($0),"index":\#($0),"sample":0,"text":"","length":0,"isFinished":true,"score":0}]"#
                        + "\n"
                }.joined()).utf8)
        ),
        HostileInput(.manifest, "deep nesting", repeated("{\"files\":", 100_000)),
        HostileInput(
            .manifest, "a device without end",
            Array(#"{"files": {"../../../../dev/zero": {"size": 1, "crc32": 1}}}"#.utf8)
        ),
    ]

    @Test("Are refused or read within seconds", arguments: inputs)
    func harmless(_ input: HostileInput) throws {
        let place = try FuzzingPlace()
        defer { place.remove() }
        let time = ContinuousClock().measure { input.reader.read(input.bytes, at: place) }
        #expect(time < .seconds(60), "\(input.testDescription) took \(time)")
    }

    private static let doubling = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#

    private static let prefixing =
        #"{"type": "Metaspace", "replacement": "x", "prepend_scheme": "always"}, "#
        + #"{"type": "Split", "pattern": {"Regex": "\\p{L}"}, "behavior": "Isolated"}"#

    private static func splitting(_ regex: String) -> String {
        #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": ""# + regex + #""}, "behavior": "Isolated"},"#
    }

    private static func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

    private static func repeated(_ text: String, _ count: Int) -> [UInt8] {
        Array(repeatElement(Array(text.utf8), count: count).joined())
    }

    private static func list(_ text: String, _ count: Int) -> String {
        repeatElement(text, count: count).joined(separator: ", ")
    }

    /// `a2: &a2 [*a1, *a1]` and so on: of each number a list of those before it.
    private static func aliases(_ numbers: ClosedRange<Int>, _ list: (Int) -> [Int]) -> [UInt8] {
        numbers.flatMap { number in
            let aliases = list(number - 1).map { "*a\($0)" }.joined(separator: ", ")
            return Array("a\(number): &a\(number) [\(aliases)]\n".utf8)
        }
    }

    private static func runState(settings: String = "", stages: String = "") -> [UInt8] {
        Array(
            (#"{"done": ["03-evaluate"], "position": 0, "version": 1, "identity": {"settings": {\#(settings)}, "inputs": [], "#
                + #""topology": {"ranks": 1, "build": {"version": "", "executable": {"size": 0, "crc32": 0}, "#
                + #""libTorch": ""}, "workers": [], "stages": {\#(stages)}}}}"#).utf8)
    }

    private static func safetensors(_ header: String) -> [UInt8] { number(header.utf8.count) + Array(header.utf8) }

    private static func tokenizer(_ members: String, vocabulary: String = #"{"a": 0, "b": 1}"#) -> [UInt8] {
        Array("{\(members) \"model\": {\"type\": \"BPE\", \"vocab\": \(vocabulary), \"merges\": []}}".utf8)
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
