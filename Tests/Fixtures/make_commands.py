"""What `mpo tokenize`, `score` and `generate` must answer for the tiny Llama models, given a tokenizer of ASCII letters."""

import json

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from common import BOS, EOS, HERE, response_logp, write_json

FOLDER = HERE / "commands"
PAIRS = [
    ("Say something kind.", " You did well.", " No!"),
    ("Q: 2 + 2?", " 4", " It is 22, I think."),
    ("\n\nHuman: hi\n\nAssistant:", " Hello.", " Go away, please."),
    ("a", " b", " c d e f g"),
    ("Numbers: 1 2 3", " 4 5 6 7 8 9", " ?"),
]
PROMPTS = ["Say something kind.", "a", "Q: 2 + 2?"]
NEW_TOKENS = 8


def make_tokenizer() -> Tokenizer:
    """Byte-level BPE without merges over ASCII; ids 0, 1, 2 are special, the vocabulary has fewer rows than the models."""
    letters = ["Ċ", "Ġ"] + [chr(code) for code in range(0x21, 0x7F)]
    vocabulary = {letter: 3 + place for place, letter in enumerate(letters)}
    special = {"<unk>": 0, "<s>": BOS, "</s>": EOS}
    tokenizer = Tokenizer(models.BPE(vocab={**special, **vocabulary}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    return tokenizer


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    tokenizer = make_tokenizer()
    tokenizer.save(str(FOLDER / "tokenizer.json"))
    settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (FOLDER / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    records = [dict(prompt=prompt, chosen=chosen, rejected=rejected) for prompt, chosen, rejected in PAIRS]
    (FOLDER / "pairs.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    policy = AutoModelForCausalLM.from_pretrained(HERE / "models" / "llama", dtype=torch.float32).eval()
    reward = AutoModelForSequenceClassification.from_pretrained(
        HERE / "models" / "reward-llama", dtype=torch.float32
    ).eval()
    scored = []
    with torch.no_grad():
        for prompt, *answers in PAIRS:
            logps, rewards = [], []
            start = len(tokenizer.encode(prompt).ids)
            for answer in answers:
                ids = tokenizer.encode(prompt + answer).ids + [EOS]
                logps.append(response_logp(policy(torch.tensor([ids])).logits[0], ids, start))
                rewards.append(np.float32(reward(torch.tensor([ids])).logits[0, 0].item()))
            scored.append(dict(zip(["chosen_logps", "rejected_logps", "chosen_reward", "rejected_reward"], logps + rewards)))
        greedy = []
        for prompt in PROMPTS:
            ids = tokenizer.encode(prompt).ids
            tokens, logps = [], []
            for _ in range(NEW_TOKENS):
                row = torch.log_softmax(policy(torch.tensor([ids + tokens])).logits[0, -1], dim=-1)
                tokens.append(int(row.argmax()))
                logps.append(row.max())
                if tokens[-1] == EOS:
                    break
            greedy.append({"prompt": prompt, "tokens": tokens, "logps": logps})
    write_json(
        FOLDER / "expected.json",
        {
            "policy": "models/llama",
            "reward": "models/reward-llama",
            "scores": "of pairs.jsonl, in order: logps are sums over the response with its EOS",
            "tokens": {prompt: tokenizer.encode(prompt).ids for prompt in PROMPTS},
            "scored": scored,
            "new_tokens": NEW_TOKENS,
            "greedy": greedy,
        },
    )


if __name__ == "__main__":
    main()
