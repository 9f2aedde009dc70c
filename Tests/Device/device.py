"""The parts of Tests/Device/run: models and data of their own, mpo's commands, and a table of what came out."""
import hashlib
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

here = pathlib.Path(__file__).resolve().parent
mpo, launch, operators = (os.environ[name] for name in ("MPO", "LAUNCH", "OPERATORS"))
out = pathlib.Path(os.environ["WORK"])
work = pathlib.Path("/tmp/mpo-device")
task = here / "task"
rows = []


def row(name, value, bound=None, unit=""):
    """A row of the table; with a bound, a check."""
    ok = bound is None or (math.isfinite(value) and value <= bound)
    rows.append((name, value, bound, ok))
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    print(f"| {name} | {text} {unit} | {'' if bound is None else f'{bound:g}'} | {'ok' if ok else 'FAILED'} |", flush=True)


def attempt(name, body):
    """Rows of which one fails with what the body throws; left out where ONLY, a pattern, is set and finds nothing in the name."""
    if not re.search(os.environ.get("ONLY", ""), name):
        return
    start = time.time()
    try:
        body()
    except Exception as error:
        print(f"{name}: {error}"[:3000], flush=True)
        row(name, math.nan, 0)
    print(f"({name}: {time.time() - start:.1f} s)", flush=True)


def call(*words, check=True, **variables):
    environment = dict(os.environ, **variables)
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment, cwd=work)
    with open(out / "commands.log", "a") as log:
        log.write(f"$ {' '.join(map(str, words))}\n{result.stdout[-2000:]}\n{result.stderr[-6000:]}\n")
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words[:3]))}: status {result.returncode}: {result.stderr[-1500:]}")
    return result


def shape(name):
    """config.json of a model of the Qwen2 family."""
    sizes = {
        "small": dict(hidden_size=256, intermediate_size=688, num_hidden_layers=4, num_attention_heads=8,
                      num_key_value_heads=2, vocab_size=2048, tie_word_embeddings=True),
        "0.5B": dict(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
                     num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True),
        "1.5B": dict(hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12,
                     num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True),
        "7B": dict(hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, num_attention_heads=28,
                   num_key_value_heads=4, vocab_size=152064, tie_word_embeddings=False),
    }[name]
    return dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_act="silu", max_position_embeddings=4096,
                initializer_range=0.02, rms_norm_eps=1e-6, rope_theta=1e6, attention_dropout=0.0, eos_token_id=0,
                pad_token_id=1, bos_token_id=None, use_sliding_window=False, torch_dtype="float32", **sizes)


def model(name, weights):
    """A directory with a model's config.json and a small tokenizer; with weights, drawn by transformers."""
    directory = work / f"model-{name}{'' if weights else '-bare'}"
    if directory.exists():
        return directory
    directory.mkdir(parents=True)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(task / "model" / file, directory)
    (directory / "config.json").write_text(json.dumps(shape(name)))
    if weights:
        import torch
        import transformers
        torch.manual_seed(1)
        with torch.device("cuda"):
            drawn = transformers.AutoModelForCausalLM.from_config(
                transformers.AutoConfig.from_pretrained(directory),
                dtype=torch.bfloat16 if name == "7B" else torch.float32)
        # Larger than usual, so that log-probabilities differ from each other.
        if name == "small":
            for parameter in drawn.parameters():
                if parameter.dim() > 1:
                    parameter.data.mul_(4)
        else:
            drawn = drawn.to(torch.bfloat16)
        drawn.cpu().save_pretrained(directory)
        (directory / "config.json").write_text(json.dumps(shape(name)))
    return directory


words = "bread soup salad rice juice pie cake coffee tea milk".split()


def pairs(name, count, prompt, response, spread):
    """Preference pairs of about so many words, each a token or two."""
    source, file = random.Random(7), work / f"pairs-{name}.jsonl"
    draw = lambda mean: " ".join(
        source.choice(words) for _ in range(max(2, int(mean * math.exp(source.gauss(0, spread) - spread**2 / 2)))))
    with open(file, "w") as lines:
        for _ in range(count):
            lines.write(json.dumps(dict(prompt=draw(prompt), chosen=" " + draw(response), rejected=" " + draw(response))) + "\n")
    return file


def config(name, directory, data, **keys):
    """The YAML of a run of DPO on a drawn model."""
    keys = dict(reference="base", beta=0.1, learning_rate=1e-4, train_batch_size=32, max_tokens_per_micro_batch=4096) | keys
    lines = [f"output_dir: {work / name}", f"model_name_or_path: {directory}", f"random_init: {str(not (directory / 'model.safetensors').exists()).lower()}",
             "stages: [dpo]", "dataset:", f"  train: [{data}]", "dpo:"] + [f"  {key}: {value}" for key, value in keys.items()]
    file = work / f"{name}.yaml"
    file.write_text("\n".join(lines) + "\n")
    shutil.rmtree(work / name, ignore_errors=True)
    return file


def metrics(name):
    return [json.loads(line) for line in open(work / name / "metrics.jsonl")]


def train(name, directory, data, *words, ranks=1, check=True, **keys):
    file = config(name, directory, data, **keys)
    sets = [part for word in words for part in ("--set", word)]
    if ranks == 1:
        return call(mpo, "train", file, *sets, check=check)
    return call(launch, "--workers", ranks - 1, "--threads", 2, file, *sets, check=check)


def digest(name):
    return hashlib.sha256((work / name / "stages/01-dpo/final/model.safetensors").read_bytes()).hexdigest()


def losses(name):
    return [line["loss"] for line in metrics(name)]


def worst(left, right):
    return max(abs(a - b) / max(1e-9, abs(b)) for a, b in zip(left, right, strict=True))


# --- checks

def scored(directory, data, device, dtype):
    file = work / f"scored-{device}-{dtype}.jsonl"
    call(mpo, "score", "--model", directory, "--data", data, "--output", file, "--device", device, "--dtype", dtype)
    lines = [json.loads(line) for line in open(file)]
    return [line[key] for line in lines for key in ("chosen_logps", "rejected_logps")]


def transformers_scores(directory, data, dtype):
    """Sums of log-probabilities of responses with their end token, as transformers computes them a response at a time."""
    import torch
    import transformers
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    loaded = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=dtype).cuda().eval()
    sums = []
    with torch.no_grad():
        for line in map(json.loads, open(data)):
            for key in ("chosen", "rejected"):
                prompt = tokenizer.encode(line["prompt"]).ids
                response = tokenizer.encode(line[key]).ids + [0]
                ids = torch.tensor([prompt + response], device="cuda")
                logits = loaded(ids).logits[0, len(prompt) - 1:-1].float()
                sums.append(logits.log_softmax(-1).gather(1, ids[0, len(prompt):, None]).sum().item())
    return sums


def check_operators():
    result = call(operators, check=False)
    (out / "operators.log").write_text(result.stdout + result.stderr)
    failures = [line for line in result.stdout.splitlines() if "FAILED" in line or ":" in line and "error" in line.lower()]
    print("\n".join(failures))
    row("operators that disagree with the CPU's", len([f for f in failures if "FAILED" in f]) if result.returncode in (0, 1) and "LibTorch" in result.stdout else math.nan, 0)
    if result.returncode:
        row("operators' status", result.returncode, 0)


def check_scores():
    import torch
    directory, data = model("small", True), pairs("score", 24, 40, 30, 0.5)
    wanted = scored(directory, data, "cpu", "float32")
    row("fp32 log-probabilities, card against CPU", worst(scored(directory, data, "cuda", "float32"), wanted), 1e-4)
    row("fp32 log-probabilities, against transformers", worst(transformers_scores(directory, data, torch.float32), wanted), 1e-4)
    mean = lambda found: sum(abs(a - b) for a, b in zip(found, wanted)) / len(wanted)
    own, theirs = mean(scored(directory, data, "cuda", "bfloat16")), mean(transformers_scores(directory, data, torch.bfloat16))
    row("bf16 error of log-probabilities (transformers' beside)", own, 2 * theirs)


def check_training():
    directory, data = model("small", False), pairs("train", 256, 40, 30, 0.5)
    for dtype in ("float32", "bfloat16"):
        for turn in (1, 2):
            train(f"{dtype}-{turn}", directory, data, "device=cuda", f"dtype={dtype}", max_steps=3)
        row(f"{dtype}: three steps of DPO twice, bytes differ", int(digest(f"{dtype}-1") != digest(f"{dtype}-2")), 0)
    train("cpu", directory, data, "device=cpu", max_steps=3)
    row("fp32 losses of three steps, card against CPU", worst(losses("float32-1"), losses("cpu")), 1e-4)
    norms = lambda name: [line["grad_norm"] for line in metrics(name)]
    row("fp32 gradient norms, card against CPU", worst(norms("float32-1"), norms("cpu")), 1e-4)
    row("bf16 losses against fp32", worst(losses("bfloat16-1"), losses("float32-1")), 5e-2)


def check_ranks():
    directory, data = model("small", False), pairs("train", 256, 40, 30, 0.5)
    train("one", directory, data, "device=cuda", max_steps=3)
    for workers in (2, 4):
        train(f"of-{workers}", directory, data, "device=cuda", ranks=workers + 1, max_steps=3)
        row(f"fp32 losses of {workers} workers on the card against one", worst(losses(f"of-{workers}"), losses("one")), 1e-5)
    blind = work / "mpo"
    blind.write_text(f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" != 2 ] || export CUDA_VISIBLE_DEVICES=\nexec {mpo} "$@"\n')
    blind.chmod(0o755)
    said = call(launch, "--workers", 2, "--threads", 2, config("blind", directory, data, max_steps=3), MPO_BINARY=str(blind)).stderr
    row("fp32 losses where one of 2 workers has no card", worst(losses("blind"), losses("one")), 1e-4)
    row("   and is not named", int("1 worker on 1 card" not in said or "rank 2 on " not in said), 0)
    train("zero", directory, data, "device=cuda", ranks=3, max_steps=3, zero=1)
    row("moments divided over 2 workers, bytes differ", int(digest("zero") != digest("of-2")), 0)


def check_resume():
    directory, data = model("small", False), pairs("train", 256, 40, 30, 0.5)
    for dtype in ("float32", "bfloat16"):
        keys = dict(max_steps=40, save_steps=10)
        train("whole", directory, data, "device=cuda", f"dtype={dtype}", **keys)
        file = config("killed", directory, data, **keys)
        sets = ["--set", "device=cuda", "--set", f"dtype={dtype}"]
        process = subprocess.Popen([mpo, "train", str(file), *sets], cwd=work, stderr=subprocess.DEVNULL)
        checkpoint = work / "killed/stages/01-dpo/checkpoint-00000010"
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            raise RuntimeError("the run was done before it could be killed")
        call(mpo, "train", file, "--resume", *sets)
        row(f"{dtype}: killed and resumed, bytes differ", int(digest("killed") != digest("whole")), 0)


def check_states():
    directory, data = model("small", False), pairs("train", 256, 40, 30, 0.5)
    file = config("hidden", directory, data, max_steps=1)
    refused = call(mpo, "train", file, "--set", "device=cuda", check=False, CUDA_VISIBLE_DEVICES="")
    print(refused.stderr.strip())
    row("without a card: status of device: cuda less 2", abs(refused.returncode - 2) + int(refused.stderr.count("\n") != 1), 0)
    noted = call(mpo, "train", file, CUDA_VISIBLE_DEVICES="")
    row("without a card: auto does not say so", int("no card can be used" not in noted.stderr), 0)


def check_online():
    """All stages of the quickstart, learner and sampler apart, both on the card."""
    for dtype in ("float32", "bfloat16"):
        directory = work / f"quickstart-{dtype}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        (directory / "task").symlink_to(task)
        recipe = pathlib.Path(launch).parent / "recipes/quickstart.yaml"
        shutil.copy(recipe, directory / "run.yaml")
        sets = ["device=cuda", f"dtype={dtype}", "sft.max_steps=40", "reward.max_steps=20", "dpo.max_steps=10", "ppo.max_steps=8"]
        call(launch, "--learners", 1, "--rollouts", 1, "--threads", 2, directory / "run.yaml", "--set", f"output_dir={directory}/run",
             "--set", f"model_name_or_path={task}/model", "--set", f"dataset.train=[{task}/pairs.jsonl]",
             "--set", f"dataset.eval=[{task}/pairs-eval.jsonl]", "--set", f"sft.data={task}/sft.jsonl",
             "--set", f"reward.eval_data={task}/pairs-eval.jsonl", "--set", f"evaluate.prompts={task}/prompts-eval.jsonl",
             *[part for word in sets for part in ("--set", word)])
        lines = [json.loads(line) for line in open(directory / "run/metrics.jsonl")]
        row(f"{dtype}: quickstart on the card, PPO steps missing", abs(8 - len([line for line in lines if line["stage"].endswith("ppo")])), 0)
        keys = [key for key in lines[-1] if "difference" in key]
        for key in keys:
            row(f"{dtype}: {key}", max(line.get(key, 0) for line in lines))


def checks():
    attempt("operators", check_operators)
    attempt("scores", check_scores)
    attempt("training", check_training)
    attempt("ranks", check_ranks)
    attempt("resuming", check_resume)
    attempt("states", check_states)
    attempt("quickstart", check_online)


# --- training

class Memory:
    """The most memory of the card that was taken, by nvidia-smi."""

    def __enter__(self):
        self.peak, self.over = 0, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.over:
            text = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True).stdout
            self.peak = max(self.peak, int(text.split()[0]))
            time.sleep(0.5)

    def __exit__(self, *_):
        self.over = True
        self.thread.join()


def peaks():
    """Products a second in bf16, and bytes a second that copies move."""
    import torch

    def timed(body, repeats):
        body()
        torch.cuda.synchronize()
        start = time.time()
        for _ in range(repeats):
            body()
        torch.cuda.synchronize()
        return (time.time() - start) / repeats

    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    flops = 2 * 8192**3 / timed(lambda: a @ a, 10)
    big = torch.empty(1 << 30, device="cuda", dtype=torch.uint8)
    other = torch.empty_like(big)
    bandwidth = 2 * (1 << 30) / timed(lambda: other.copy_(big), 10)
    row("bf16 products of 8192", flops / 1e12, unit="TFLOP/s")
    row("copies, read and written", bandwidth / 1e12, unit="TB/s")
    return flops, bandwidth


def needed_flops(name, data):
    """Products that a step on one of these pairs cannot do without, on average: prompts once, the vocabulary where tokens are
    predicted, attention where tokens see each other; three times what the forward pass has."""
    sizes = shape(name)
    width, inner, layers = sizes["hidden_size"], sizes["intermediate_size"], sizes["num_hidden_layers"]
    heads = width + 2 * width * sizes["num_key_value_heads"] // sizes["num_attention_heads"]
    body, table = layers * (width * heads + width * width + 3 * width * inner), width * sizes["vocab_size"]
    total, lines = 0, [json.loads(line) for line in open(data)]
    for line in lines:
        prompt = len(line["prompt"].split())
        responses = [len(line[key].split()) + 1 for key in ("chosen", "rejected")]
        seen = prompt**2 / 2 + sum(n * prompt + n**2 / 2 for n in responses)
        total += 6 * (body * (prompt + sum(responses)) + table * sum(responses)) + 12 * layers * width * seen
    return total / len(lines)


def gib(text):
    """Bytes of a number as `mpo plan` writes it."""
    number, unit = re.search(r"([\d.]+) (GiB|MiB|TiB)", text).groups()
    return float(number) * {"MiB": 1 / 1024, "GiB": 1, "TiB": 1024}[unit]


def training():
    flops, _ = peaks()

    def time_dpo(name, dtype, label, data, tokens, steps, *words, least=None):
        with Memory() as memory:
            run = f"dpo-{name}-{dtype}-{label}"
            start = time.time()
            train(run, model(name, False), data, "device=cuda", f"dtype={dtype}", *words, max_steps=steps, max_tokens_per_micro_batch=tokens,
                  learning_rate=1e-6, save_steps=1000)
            whole = time.time() - start
        lines = metrics(run)
        # Half of the steps, for batches of new sizes make the allocator and the libraries learn.
        late = lines[len(lines) // 2:]
        seconds = sorted(b["time"] - a["time"] for a, b in zip(late, late[1:]))[(len(late) - 1) // 2]
        row(f"DPO {name} {dtype}, {label}", 32 / seconds, unit="pairs/s")
        share = 32 * needed_flops(name, data) / seconds / flops
        row("   share of the bf16 peak", share)
        if least is not None:
            row(f"   share that it is below {least}", max(0, least - share), 0)
        row("   tokens a step", int(lines[-1]["num_tokens"] / len(lines)))
        for part in ("forward", "backward", "optimizer"):
            row(f"   {part}", sorted(line[f"timing/{part}"] for line in late)[len(late) // 2], unit="s")
        reserved, used = lines[-1]["perf/max_memory_reserved_gb"], memory.peak / 1024
        row("   most memory of tensors", lines[-1]["perf/max_memory_allocated_gb"], unit="GiB")
        row("   most memory reserved for them", reserved, unit="GiB")
        row("   most memory used", used, unit="GiB")
        plan = call(mpo, "plan", work / f"{run}.yaml", "-n", 1, "--memory-per-card", 1000, "--set", "device=cuda",
                    "--set", f"dtype={dtype}").stdout
        planned = gib(plan[plan.index("A card: at most"):])
        row("   planned", planned, unit="GiB")
        # Where micro-batches are as full as the plan takes them to be.
        row("   planned against used", abs(planned / used - 1), 0.1 if least is not None else None)
        row("   start to end", whole, unit="s")
        shutil.rmtree(work / run)

    chats, long = pairs("hh", 256, 120, 60, 0.6), pairs("1024", 256, 500, 500, 0.05)
    attempt("DPO 0.5B bfloat16", lambda: time_dpo("0.5B", "bfloat16", "HH-like", chats, 16384, 40))
    attempt("DPO 0.5B undetermined", lambda: time_dpo(
        "0.5B", "bfloat16", "HH-like, bits left open", chats, 16384, 40, "full_determinism=false"))
    attempt("DPO 0.5B float32", lambda: time_dpo("0.5B", "float32", "HH-like", chats, 16384, 12))
    attempt("DPO 0.5B long", lambda: time_dpo("0.5B", "bfloat16", "1,024 tokens", long, 16384, 16, least=0.25))
    attempt("DPO 1.5B", lambda: time_dpo("1.5B", "bfloat16", "HH-like", chats, 16384, 24))
    attempt("DPO 1.5B long", lambda: time_dpo("1.5B", "bfloat16", "1,024 tokens", long, 16384, 12, least=0.35))


# --- the peer

def peer():
    """TRL's DPO on the models and pairs of the part before, whose numbers it is held against."""
    chats, long = pairs("hh", 256, 120, 60, 0.6), pairs("1024", 256, 500, 500, 0.05)
    own = out / "training.json"
    rates = {name: value for name, value, _, _ in json.loads(own.read_text())} if own.exists() else {}

    def time_trl(name, label, data, micro_batches, weights, steps):
        for size in micro_batches:
            result = call(sys.executable, here / "peer.py", model(name, False), data, size, weights, steps, check=False)
            if result.returncode == 0:
                break
            if "out of memory" not in result.stderr.lower():
                raise RuntimeError(result.stderr[-1500:])
        found = json.loads(result.stdout.splitlines()[-1])
        rate = 32 / found["seconds"]
        row(f"TRL: DPO {name}, {label}, weights in {weights}, {size} pairs at a time", rate, unit="pairs/s")
        row("   tokens a step, padding aside", int(found["tokens"]))
        row("   most memory of tensors", found["tensors"] / 2**30, unit="GiB")
        row("   most memory reserved for them", found["memory"] / 2**30, unit="GiB")
        mine = rates.get(f"DPO {name} bfloat16, {label}")
        if mine is not None:
            row("   mpo / TRL", mine / rate)
            row("   what mpo / TRL lacks to 2", max(0, 2 - mine / rate), 0)

    attempt("TRL 0.5B", lambda: time_trl("0.5B", "HH-like", chats, (32, 16, 8), "bfloat16", 8))
    attempt("TRL 0.5B masters", lambda: time_trl("0.5B", "HH-like", chats, (32, 16, 8), "float32", 8))
    attempt("TRL 0.5B long", lambda: time_trl("0.5B", "1,024 tokens", long, (8, 4, 2), "bfloat16", 5))
    attempt("TRL 1.5B", lambda: time_trl("1.5B", "HH-like", chats, (16, 8, 4), "bfloat16", 6))
    attempt("TRL 1.5B long", lambda: time_trl("1.5B", "1,024 tokens", long, (4, 2, 1), "bfloat16", 4))


# --- adapters

def adapters():
    """DPO and PPO of 7B parameters on one card, every role an adapter on one base in bfloat16."""
    directory, data = model("7B", True), pairs("hh", 64, 120, 60, 0.6)
    common = f"""model_name_or_path: {directory}
device: cuda
dtype: bfloat16
use_peft: true
lora_r: 16
lora_target_modules: all-linear
dataset: {{train: [{data}], max_length: 512, max_prompt_length: 256}}
"""
    stages = {
        "dpo": "dpo: {max_steps: 6, train_batch_size: 16, max_tokens_per_micro_batch: 4096, gradient_checkpointing: true}",
        "ppo": "reward: {max_steps: 2, train_batch_size: 16, max_tokens_per_micro_batch: 4096, gradient_checkpointing: true}\n"
               "ppo: {max_steps: 3, rollout_batch_size: 32, response_length: 64, num_ppo_epochs: 1, "
               "max_tokens_per_micro_batch: 4096, gradient_checkpointing: true}",
    }

    def step(name):
        run, file = work / f"adapters-{name}", work / f"adapters-{name}.yaml"
        shutil.rmtree(run, ignore_errors=True)
        order = "[dpo]" if name == "dpo" else "[reward, ppo]"
        file.write_text(f"output_dir: {run}\n{common}stages: {order}\n{stages[name]}\n")
        with Memory() as memory:
            call(mpo, "train", file)
        lines = [line for line in metrics(run.name) if line["stage"].endswith(name)]
        seconds = sorted(b["time"] - a["time"] for a, b in zip(lines, lines[1:]))[(len(lines) - 1) // 2]
        row(f"{name} 7B, adapters of rank 16: a step", seconds, unit="s")
        if "num_tokens" in lines[-1]:
            row("   tokens", lines[-1]["num_tokens"] / len(lines) / seconds, unit="tokens/s")
        used = memory.peak / 1024
        row("   most memory used", used, unit="GiB")
        plan = call(mpo, "plan", file, "-n", 1, "--memory-per-card", 1000).stdout
        planned = gib(plan[plan.index("A card: at most"):])
        row("   planned", planned, unit="GiB")
        row("   planned against used", abs(planned / used - 1), 0.2)
        if name == "ppo":
            row("   samplers apart from the learner, log-probability",
                max(line["sampling/sampling_logp_difference/mean"] for line in lines), 0.05)

    for name in stages:
        attempt(f"adapters {name}", lambda: step(name))


# --- rates

def rates():
    """What operators take, for a look at where the time goes; nothing is held against a bound."""
    print(call(operators, "rates").stdout, flush=True)


# --- generation

def generation():
    directory = model("0.5B", True)
    prompts = work / "prompts.jsonl"
    source = random.Random(9)
    with open(prompts, "w") as lines:
        for _ in range(256):
            lines.write(json.dumps(dict(prompt=" ".join(source.choice(words) for _ in range(100)))) + "\n")

    def turn(dtype, length):
        start = time.time()
        file = work / "responses.jsonl"
        call(mpo, "generate", "--model", directory, "--prompts", prompts, "--response-length", length, "--device", "cuda",
             "--dtype", dtype, "--generation-batch-size", 256, "--output", file)
        return time.time() - start, sum(len(json.loads(line)["tokens"]) for line in open(file))

    found = {}

    def time_mpo(dtype):
        turn(dtype, 2)
        short, few = turn(dtype, 8)
        long, many = turn(dtype, 136)
        found[dtype] = (many - few) / (long - short)
        row(f"generation 0.5B {dtype}, batch 256", found[dtype], unit="tokens/s")
        row("   a step of 256", (long - short) / 128 * 1000, unit="ms")
        # Weights once, and on average 164 tokens of 24 layers' keys and values in each slot.
        size = 2 if dtype == "bfloat16" else 4
        read = size * (494e6 + 256 * 164 * 24 * 2 * 128)
        row("   share of the bandwidth bound", read / bandwidth * 128 / (long - short))

    def time_bench():
        """Without the command's start, by steps of other widths."""
        report = work / "bench.json"
        print(call(mpo, "bench", "--random-init", model("0.5B", False), "--only", "decode", "--device", "cuda", "--dtype", "bfloat16",
                   "--generation-batch-sizes", "8,64,256", "--repeats", 2, "--json", report).stdout, flush=True)

    def time_transformers():
        import torch
        import transformers
        loaded = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16).cuda().eval()
        ids = torch.randint(5, 200, (256, 100), device="cuda")
        def run(length):
            torch.cuda.synchronize()
            start = time.time()
            loaded.generate(ids, attention_mask=torch.ones_like(ids), min_new_tokens=length, max_new_tokens=length, do_sample=True, top_k=0, pad_token_id=1)
            torch.cuda.synchronize()
            return time.time() - start
        run(4)
        theirs = 256 * 128 / (run(136) - run(8))
        row("generate() of transformers, batch 256", theirs, unit="tokens/s")
        if "bfloat16" in found:
            row("   mpo / transformers", found["bfloat16"] / theirs)

    _, bandwidth = peaks()
    for dtype in ("bfloat16", "float32"):
        attempt(f"generation {dtype}", lambda: time_mpo(dtype))
    attempt("transformers", time_transformers)
    attempt("bench", time_bench)


if __name__ == "__main__":
    part = sys.argv[1]
    work.mkdir(exist_ok=True)
    print(f"\n| {part} | value | bound | |\n|---|---|---|---|", flush=True)
    start = time.time()
    {"checks": checks, "training": training, "peer": peer, "generation": generation, "adapters": adapters,
     "rates": rates}[part]()
    failed = [name for name, _, _, ok in rows if not ok]
    print(f"{part}: {time.time() - start:.0f} s, {len(failed)} of {len(rows)} rows failed", flush=True)
    (out / f"{part}.json").write_text(json.dumps(rows))
    sys.exit(bool(failed))
