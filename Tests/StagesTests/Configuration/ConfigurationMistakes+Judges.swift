extension ConfigurationMistakes {
    /// Judges behind servers, and how they are asked.
    static let judges: [Mistake] = [
        (
            "stages: [evaluate]\nevaluate: {prompts: ./p.jsonl, judge: \"openai:localhost:8000/v1#m\"}",
            "run.yaml:5: evaluate.judge: 'openai:localhost:8000/v1#m' has no address that begins with http:// or https://; "
                + "write openai:URL#MODEL, as in openai:http://localhost:8000/v1#Qwen/Qwen3-8B"
        ),
        (
            "stages: [evaluate]\nevaluate: {prompts: ./p.jsonl, judge: \"openai:http://localhost:8000/v1#\"}",
            "run.yaml:5: evaluate.judge: 'openai:http://localhost:8000/v1#' has no model behind the #; "
                + "write openai:URL#MODEL, as in openai:http://localhost:8000/v1#Qwen/Qwen3-8B"
        ),
        (
            "stages: [evaluate]\nevaluate: {prompts: ./p.jsonl, judge: \"openai:\"}",
            "run.yaml:5: evaluate.judge: expected a stage's name or a path, found 'openai:'; "
                + "write openai:URL#MODEL, as in openai:http://localhost:8000/v1#Qwen/Qwen3-8B"
        ),
        (
            "stages: [evaluate]\nevaluate: {prompts: ./p.jsonl, judge: \"openai:https://key@host/v1#m\"}",
            "run.yaml:5: evaluate.judge: 'openai:https://key@host/v1#m' may carry a secret, and this text stands in files; "
                + "take it out, and put the key into the environment as MPO_JUDGE_API_KEY"
        ),
        (
            "stages: [evaluate]\nevaluate: {prompts: ./p.jsonl, judge: \"rule:length:9\", judge_options: {retries: 3}}",
            "run.yaml:5: evaluate.judge_options.retries: has no meaning where no reward is openai:URL#MODEL; leave it out, "
                + "or name such a judge"
        ),
        (
            "stages: [split]\nsplit: {pairs: ./p.jsonl, reward: \"openai:http://h/v1#m\", judge_options: {mode: pair}}",
            "run.yaml:5: split.judge_options.mode: pair gives no numbers, which this stage needs; write score, or leave it "
                + "out"
        ),
        (
            "stages: [evaluate]\nevaluate: {prompts: ./p.jsonl, policies: base, judge: \"openai:http://h/v1#m\"}",
            "run.yaml:5: evaluate.policies: one policy is compared with nothing; name two, or write judge_options: "
                + "{mode: score}"
        ),
        (
            "stages: [evaluate]\nevaluate: {prompts: ./p.jsonl, judge: \"rule:length:9\", other_judge: \"rule:length:9\"}",
            "run.yaml:5: evaluate.other_judge: is the judge itself; name another reward, or leave it out"
        ),
        (
            "stages: [sft, evaluate]\nevaluate: {prompts: ./p.jsonl, pass_threshold: 1, judge: \"openai:http://h/v1#m\"}",
            "run.yaml:5: evaluate.pass_threshold: has no meaning where responses are compared: none has a score of its own; "
                + "write judge_options: {mode: score}, or leave it out"
        ),
        (
            "stages: [sft]\nsft: {init: \"openai:http://h/v1#m\"}",
            "run.yaml:5: sft.init: expected a policy, but 'openai:http://h/v1#m' is a reward; write base or a model directory"
        ),
    ]
}
