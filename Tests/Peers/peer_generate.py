"""transformers' generate(): seconds to draw responses of one length, of one token, and of uneven lengths in batches.

End tokens are suppressed and every response has the length that was asked for, so that both sides draw the same number
of tokens.
"""

import json

import torch
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList

import peer


class Lengths(StoppingCriteria):
    """Ends each response of a batch at a length of its own."""

    def __init__(self, prompt, lengths):
        self.ends = prompt + torch.tensor(lengths)

    def __call__(self, input_ids, scores, **_):
        return input_ids.shape[1] >= self.ends


def main():
    options = peer.arguments(
        __doc__, batches=json.loads, length=int, repeats=int, uneven_lengths=json.loads, uneven_repeats=int)
    tokenizer = peer.tokenizer(options.model, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    prompts = [pair["prompt"] for pair in peer.pairs(options.data)]

    def draw(some, longest, lengths=None):
        inputs = tokenizer(some, return_tensors="pt", padding=True)
        stops = [Lengths(inputs["input_ids"].shape[1], lengths)] if lengths else []
        with torch.no_grad():
            model.generate(
                **inputs, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=longest,
                suppress_tokens=end_tokens(model, tokenizer), pad_token_id=tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList(stops))

    results = {"sampling": {}, "prefill": {}}
    for batch in options.batches:
        some = [prompts[place % len(prompts)] for place in range(batch)]
        results["sampling"][batch] = peer.timed(options.repeats, lambda: draw(some, options.length))
        results["prefill"][batch] = peer.timed(options.repeats, lambda: draw(some, 1))

    lengths, slots = options.uneven_lengths, 32

    def draw_uneven():
        for start in range(0, len(lengths), slots):
            part = lengths[start:start + slots]
            draw([prompts[(start + place) % len(prompts)] for place in range(len(part))], max(part), part)

    if lengths:
        watch = peer.Stopwatch()
        for _ in range(options.uneven_repeats):
            watch.start()
            draw_uneven()
            watch.lap()
        results["uneven"] = watch.laps
    peer.write(options.output, **results)


def end_tokens(model, tokenizer):
    ends = model.generation_config.eos_token_id
    return sorted({tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None})


if __name__ == "__main__":
    main()
