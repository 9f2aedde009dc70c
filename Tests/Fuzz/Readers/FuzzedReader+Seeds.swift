import Foundation
import Runs
import Stages
import TestSupport
import Training

extension FuzzedReader {
    /// Inputs to mutate: small good ones, so that most of a reader is reached.
    package var seeds: [[UInt8]] {
        switch self {
        case .safetensors: [tensors, fixture("sft/llama.safetensors", upTo: 1 << 16)]
        case .optimizer: [optimizer]
        case .weightIndex:
            [text(#"{"metadata": {"total_size": 8}, "weight_map": {"model.embed_tokens.weight": "weights"}}"#)]
                + [fixture("models/mistral/model.safetensors.index.json")]
        case .modelConfiguration:
            Self.families.map { fixture("models/\($0)/config.json") }
        case .tokenizer:
            ["added", "llama2", "qwen2", "metaspace-first", "unknown-fused", "regex-fallback", "split-removed"].map {
                fixture("tokenizers/\($0).tokenizer.json")
            }
        case .tokenizerConfiguration:
            [fixture("commands/tokenizer_config.json")]
                + [
                    text(
                        #"{"added_tokens_decoder": {"1": {"content": "<s>", "special": true, "lstrip": false}}, "#
                            + #""bos_token": {"content": "<s>"}, "chat_template": [{"name": "default", "template": "#
                            + #""{% for message in messages %}{{ message['content'] }}{% endfor %}"}]}"#)
                ]
        case .chatTemplate: chatTemplates
        case .jinja: chatTemplates + jinjaTemplates
        case .dataset: [fixture("commands/pairs.jsonl"), fixture("dpo/smollm2-pairs.jsonl", upTo: 4096)] + records
        case .gzip: [Self.compressedPair]
        case .zstd: [fixture("tables/pairs.jsonl.zst")]
        case .jsonArray:
            [
                #"[{"prompt": "a", "chosen": "b]\"", "rejected": "c"}, {"x": [{}, [1]]}]"#,
                "{\n\"prompt\": \"a\"\n}\n{\"prompt\": [\n{}]}\n",
            ].map(text)
        case .table:
            ["quoted.csv", "quoted.tsv"].map { fixture("tables/\($0)") } + [
                text("prompt;a\r\n\"x\"\"\n\";1\r\n\r\ny;\r\n")
            ]
        case .parquet: ["types.parquet", "pairs.snappy.parquet", "pairs.none.parquet"].map { fixture("tables/\($0)") }
        case .arrow: ["types.arrow", "types.stream.arrow"].map { fixture("tables/\($0)") }
        case .manifest: [text(#"{"files": {"weights": {"crc32": 449999704, "size": 7}}}"#)]
        case .trainerState:
            [
                #"{"global_step": 4, "metrics_position": 512, "num_input_tokens_seen": 99, "best_metric": 0.5, "#
                    + #""best_global_step": 2, "non_finite_steps": {"total": 1, "inARow": 0}}"#,
                #"{"global_step": 4, "metrics_position": 512, "kl_controller": {"coefficient": 0.05, "rule": {"fixed": {}}}, "#
                    + #""non_finite_steps": {"total": 0, "inARow": 0}}"#,
            ].map(text)
        case .runConfiguration: [text(Self.configuration)]
        case .runState: runStates
        case .runLock:
            [
                text(
                    #"{"token":"5A","host":"node3","machine":"b1 n2","process":47,"processStart":99,"job":"Slurm job 42","#
                        + #""since":1.7e9}"#)
            ]
        case .journal: journals.map(text)
        case .experience:
            [RolloutBatch(total: 2, rollouts: [0, 1].map(experience)).bytes]
        case .message: messages
        }
    }

    private static let families = ["llama-rope3", "mistral", "gpt2", "gpt_neox", "qwen2", "qwen3", "reward-llama"]

    private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func fixture(_ name: String, upTo length: Int = .max) -> [UInt8] {
        guard let data = try? Data(contentsOf: TestSupport.fixture(name)) else {
            preconditionFailure("no fixture \(name)")
        }
        return Array(data.prefix(length))
    }

    private func safetensors(_ header: String, bytes: Int) -> [UInt8] {
        let length = UInt64(header.utf8.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header.utf8
            + (0..<bytes).map { UInt8(truncatingIfNeeded: $0) }
    }

    private var tensors: [UInt8] {
        safetensors(
            #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"#
                + #""b":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]},"#
                + #""c":{"dtype":"I64","shape":[],"data_offsets":[22,30]}}"#, bytes: 30)
    }

    private var optimizer: [UInt8] {
        safetensors(
            #"{"__metadata__":{"model.step":"3"},"model.exp_avg":{"dtype":"F32","shape":[16],"data_offsets":[0,64]},"#
                + #""model.exp_avg_sq":{"dtype":"F32","shape":[16],"data_offsets":[64,128]}}"#, bytes: 128)
    }

    private var chatTemplates: [[UInt8]] {
        [
            "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
                + "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
                + "{% endif %}",
            "{% if not add_generation_prompt is defined %}{# c #}{%- set x = false -%}{% elif x %}{{ a.b | trim }}"
                + "{% else %}{{ raise_exception('no') }}{% endif %}",
        ].map(text)
    }

    private var jinjaTemplates: [[UInt8]] {
        [
            "{% macro m(a, b=2) %}{{ a ~ b }}{{ varargs }}{{ kwargs }}{{ caller(1) }}{% endmacro %}"
                + "{% call(x) m(1, 2, 3, k=4) %}{{ n + x }}{% endcall %}",
            "{% set ns = namespace(x=[1], y='') %}{% for m in messages if m.content %}{% set ns.x = ns.x + [m] %}"
                + "{{ loop.index ~ loop.previtem }}{% generation %}{{ m.content[1:-1:2] | trim }}{% endgeneration %}"
                + "{% if loop.last %}{% break %}{% endif %}{% else %}none{% endfor %}{{ ns.x | tojson(indent=2) }}",
            "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(', ') }}"
                + "{{ messages[0].n | select('number') | sort(reverse=true) | list }}{{ '%5.2f|%-4s' % (1.5, text) }}"
                + "{{ '{0:>8,.2f} {0!r}'.format(n) }}{{ text.split(',')[-1].strip().title() }}{{ 1 < n <= 7 and not none }}",
            "{% set x | upper %}a{{ 2 ** n // 3 % -5 }}{% endset %}{% with y = x %}{{ y }}{% endwith %}"
                + "{% filter indent(2) %}{% raw %}{{ a }}{% endraw %}\n{# b #}{% endfilter %}{{ strftime_now('%d %b') }}"
                + "{% for a, b in messages[1].items() recursive %}{{ loop([]) }}{% endfor %}{{ messages | groupby('role') }}",
        ].map(text)
    }

    private var records: [[UInt8]] {
        [
            #"{"prompt": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "A"}], "#
                + #""rejected": [{"role": "assistant", "content": [{"type": "text", "text": "B"}]}]}"#,
            #"{"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}"#,
            #"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "\u00e9\ud83d\ude42"}]}"#
                + "\n" + #"{"text": "t", "n": -1.5e-7, "x": null, "y": [true, false]}"#,
        ].map(text)
    }

    /// `{"prompt": "a ", "chosen": "b", "rejected": "c"}` and a line break.
    private static let compressedPair: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xAB, 0x56, 0x2A, 0x28, 0xCA, 0xCF, 0x2D, 0x28,
        0x51, 0xB2, 0x52, 0x50, 0x4A, 0x54, 0x50, 0xD2, 0x51, 0x50, 0x4A, 0xCE, 0xC8, 0x2F, 0x4E, 0xCD, 0x03, 0xF1,
        0x93, 0x40, 0xDC, 0xA2, 0xD4, 0xAC, 0xD4, 0xE4, 0x92, 0xD4, 0x14, 0x90, 0x40, 0xB2, 0x52, 0x2D, 0x17, 0x00,
        0xD0, 0xF2, 0x20, 0x9A, 0x31, 0x00, 0x00, 0x00,
    ]

    private static let configuration = """
        output_dir: out
        model_name_or_path: base
        dataset: {train: [a.jsonl], eval: b.jsonl, max_length: 64}
        defaults: &shared {learning_rate: 1.0e-4, warmup_steps: 3}
        stages: [sft, first, reward, split, dpo, ppo, evaluate]
        sft: {<<: *shared, max_steps: 1_000, weight_decay: 0.1}
        first: {type: dpo, init: sft, pairs: a.jsonl}
        split: {order: easy_to_hard}
        ppo: {kl_target: 6, save_steps: 5}
        evaluate: {policies: [sft, dpo], judge: "rule:length:9"}
        """

    private var runStates: [[UInt8]] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            let plan = try FuzzedRun.plan(URL(filePath: "out"))
            var state = RunState(identity: try FuzzedRun.identity(of: plan, after: nil))
            state.done = ["01-split"]
            return [Array(try encoder.encode(state))]
        } catch {
            preconditionFailure("the seed of a run's state: \(error)")
        }
    }

    /// Of pairs, and of prompts that one policy answered, or two.
    private var journals: [String] {
        func response(_ policy: Int, _ index: Int, _ sample: Int) -> String {
            #"{"policy":\#(policy),"index":\#(index),"sample":\#(sample),"text":"a","length":1,"isFinished":true,"#
                + #""score":\#(policy + index + sample)}"#
        }
        return [
            #"[{"index":0,"scores":[0.5,1]},{"index":2,"scores":[3,-1e2]}]"# + "\n"
                + #"[{"index":1,"scores":[0,"inf"]}]"# + "\n",
            #"[{"index":3,"scores":[0.5,1]}]"# + "\n" + #"[{"index":1,"scores":[7,1]}]"# + "\n",
            "[\(response(0, 1, 0)),\(response(0, 1, 1))]\n",
            "[\(response(1, 2, 0))]\n[\(response(0, 2, 0)),\(response(0, 0, 0))]\n[\(response(1, 0, 0))]\n",
        ]
    }

    private func experience(_ number: Int) -> Rollout {
        Rollout(
            promptIndex: number, stepIndex: number, version: 1, prompt: [1, 2], response: [3], sampledLogps: [-0.5],
            isFinished: true, score: 1, referenceLogps: [-0.25])
    }

    private var messages: [[UInt8]] {
        [
            #"{"run":{"stage":1,"checkpoint":20,"done":[{"index":1}]}}"#, #"{"stage":{"kind":"learn"}}"#,
            #"{"end":{}}"#,
            #"{"step":{"_0":3,"_1":["loss",0.5,"lr","inf"]}}"#, #"{"stage":{"kind":"scores"}}"#,
        ].map { header in
            let length = UInt64(header.utf8.count)
            return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8) + [1, 2, 3]
        }
    }
}
