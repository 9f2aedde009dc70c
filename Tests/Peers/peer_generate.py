"""transformers' generate(): draws responses of one length or of uneven lengths, as each request says.

End tokens are suppressed and every response has the length that was asked for, so that both sides draw the same number
of tokens.
"""

import torch
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList

import peer


class Lengths(StoppingCriteria):
    """Ends each response of a batch at a length of its own."""

    def __init__(self, prompt, lengths):
        self.ends = prompt + torch.tensor(lengths)

    def __call__(self, input_ids, scores, **_):
        return input_ids.shape[1] >= self.ends


class Sampler:
    """A model and prompts; each method answers the request of its name."""

    def __init__(self, model, data):
        self.tokenizer = peer.tokenizer(model, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        self.prompts = [pair["prompt"] for pair in peer.pairs(data)]

    def sampling(self, batch, length):
        """Seconds to draw responses, and to draw their first tokens alone."""
        return {
            "sampling": peer.seconds(lambda: self.draw(0, [length] * batch)),
            "prefill": peer.seconds(lambda: self.draw(0, [1] * batch)),
        }

    def uneven(self, lengths, slots):
        """Seconds to draw responses of these lengths in batches, each of which lasts as long as its longest."""
        batches = range(0, len(lengths), slots)
        return {"seconds": peer.seconds(lambda: [self.draw(start, lengths[start:start + slots]) for start in batches])}

    def logps(self, tokens, logps, length):
        """The largest difference of log-probabilities of drawn responses, one after the other, from a forward pass."""
        largest = 0.0
        for place, start in enumerate(range(0, len(tokens), length)):
            response = torch.tensor(tokens[start:start + length]).long()
            prompt = torch.tensor(self.tokenizer(self.prompt(place))["input_ids"])
            with torch.no_grad():
                logits = self.model(torch.cat([prompt, response])[None]).logits[0, len(prompt) - 1:-1]
            expected = torch.log_softmax(logits, -1).gather(-1, response[:, None])[:, 0]
            largest = max(largest, (expected - torch.tensor(logps[start:start + length])).abs().max().item())
        return {"difference": largest}

    def draw(self, first, lengths):
        prompts = [self.prompt(first + place) for place in range(len(lengths))]
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True)
        stops = [Lengths(inputs["input_ids"].shape[1], lengths)] if len(set(lengths)) > 1 else []
        with torch.no_grad():
            self.model.generate(
                **inputs, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=max(lengths),
                suppress_tokens=self.end_tokens(), pad_token_id=self.tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList(stops))

    def prompt(self, place):
        return self.prompts[place % len(self.prompts)]

    def end_tokens(self):
        ends = self.model.generation_config.eos_token_id
        return sorted({self.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None})


def main():
    options = peer.arguments(__doc__)
    turns, sampler = peer.Turns(options.answers), Sampler(options.model, options.data)
    turns.answer()
    while True:
        request = turns.receive()
        turns.answer(**getattr(sampler, request.pop("unit"))(**request))


if __name__ == "__main__":
    main()
