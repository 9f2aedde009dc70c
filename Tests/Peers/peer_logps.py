"""transformers' log-probabilities of responses that mpo drew: the largest difference from what mpo gave with them."""

import json

import torch
from transformers import AutoModelForCausalLM

import peer


def main():
    options = peer.arguments(__doc__, drawn=str, batch=int, length=int)
    tokenizer = peer.tokenizer(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    with open(options.drawn) as file:
        values = json.load(file)
    prompts = [pair["prompt"] for pair in peer.pairs(options.data)]
    largest = 0.0
    for place in range(options.batch):
        part = slice(place * options.length, (place + 1) * options.length)
        response, logps = torch.tensor(values["tokens"][part]).long(), torch.tensor(values["logps"][part])
        prompt = torch.tensor(tokenizer(prompts[place % len(prompts)])["input_ids"])
        with torch.no_grad():
            logits = model(torch.cat([prompt, response])[None]).logits[0, len(prompt) - 1:-1]
        expected = torch.log_softmax(logits, -1).gather(-1, response[:, None])[:, 0]
        largest = max(largest, (expected - logps).abs().max().item())
    peer.write(options.output, difference=largest)


if __name__ == "__main__":
    main()
