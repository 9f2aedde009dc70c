extension ConfigurationMistakes {
    /// `use_peft` and its keys.
    static let adapters: [Mistake] = [
        (
            "stages: [sft]\nsft: {lora_r: 8}",
            "run.yaml:5: sft.lora_r: has no meaning without use_peft; write use_peft: true, or leave it out"
        ),
        (
            "lora_r: 8\nstages: [sft, dpo]",
            "run.yaml:4: lora_r: has no meaning without use_peft; write use_peft: true, or leave it out"
        ),
        (
            "use_peft: true\nstages: [sft, dpo]\ndpo: {use_peft: false, lora_alpha: 16}",
            "run.yaml:6: dpo.lora_alpha: has no meaning without use_peft; write use_peft: true, or leave it out"
        ),
        (
            "stages: [sft]\nsft: {use_peft: true, lora_dropout: 1}",
            "run.yaml:5: sft.lora_dropout: expected a number, at least 0 and below 1, or null, found '1'; leave it out for "
                + "the default (0.05)"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {use_peft: true, lora_dropout: 0.1}",
            "run.yaml:5: ppo.lora_dropout: is not applied here: what samples are drawn from would not be what learns from them; "
                + "leave it out, or write 0"
        ),
        (
            "stages: [sft, reward, ppo]\nppo: {use_peft: true, sync_ref_model: true}",
            "run.yaml:5: ppo.sync_ref_model: moves all weights of a reference, and with use_peft they are frozen; leave one of "
                + "the two out"
        ),
        (
            "use_peft: true\nstages: [sft, merge]\nmerge: {method: adapters, alpha: 0.5}",
            "run.yaml:6: merge.alpha: has no meaning for method adapters: nothing is mixed; leave it out"
        ),
    ]
}
