import Commands
import Configuration
import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Mistakes in a configuration")
struct ConfigurationErrorTests {
    @Test("Each mistake is named with file, line, key and a way out, in one line", arguments: ConfigurationMistakes.all)
    func message(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration(yaml) }
        #expect(error?.description == message)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("The part of a loss that was probably meant is named")
    func nearestPart() {
        let error = #expect(throws: ConfigurationError.self) { try configuration("dpo: {link: ipoo}") }
        #expect(error?.problem.hasPrefix("expected one of sigmoid, ipo, ") == true)
        #expect(error?.remedy == "did you mean ipo?")
    }

    @Test("null stands for the default of a key that takes it")
    func null() throws {
        #expect(try configuration("stages: [sft, dpo]\ndpo: {reference: null}").settings["dpo.reference"] == "sft")
    }

    @Test(
        "A mistake of the command line is named as such",
        arguments: [
            (
                "ppo.kl_coef=x",
                "--set ppo.kl_coef=x: ppo.kl_coef: expected a number, at least 0.0, found 'x'; leave it out for "
                    + "the default, kl_coef: 0.05"
            ),
            ("ppo.kl_coeff=1", "--set ppo.kl_coeff=1: ppo.kl_coeff: unknown key; it is called kl_coef here"),
            ("ppo.kl_coef", "--set ppo.kl_coef: not of the form key=value; write for example --set ppo.kl_coef=0.1"),
            (
                "dataset.columns={promt: q}",
                "--set dataset.columns={promt: q}: dataset.columns: expected a block with a column's name for some of prompt, "
                    + "system, chosen, rejected, completion, messages, label, answer, tools, documents, "
                    + "chat_template_kwargs, found a block of keys; 'promt' is none of these; did you mean prompt?"
            ),
            (
                "dataset.columns={system: [a]}",
                "--set dataset.columns={system: [a]}: dataset.columns: expected a block with a column's name for some of prompt, "
                    + "system, chosen, rejected, completion, messages, label, answer, tools, documents, "
                    + "chat_template_kwargs, found a block of keys; 'system' has a list; give it the name of a column"
            ),
            ("ppo..x=1", "--set ppo..x=1: not of the form key=value; write for example --set ppo.kl_coef=0.1"),
            ("seed.x=1", "--set seed.x=1: seed: is '7', not a block of keys; set it as a whole, or a key that exists"),
            (
                "sft=[1",
                "--set sft=[1: not valid YAML: did not find expected ',' or ']'; check the indentation, quotes and "
                    + "brackets near column 1"
            ),
        ])
    func override(override: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration("seed: 7", overrides: [override]) }
        #expect(error?.description == message)
    }

    @Test("What a block lacks is not said of a key that the command line sets in it")
    func overriddenBlock() {
        let error = #expect(throws: ConfigurationError.self) {
            try configuration("stages: [sft, ppo]\nppo: {kl_coef: 0.1}", overrides: ["ppo.max_steps=3"])
        }
        #expect(error?.description.hasPrefix("run.yaml:5: ppo.reward: ") == true, "\(error?.description ?? "")")
    }

    @Test(
        "What a run cannot do without is asked for",
        arguments: [
            ("", "run.yaml: output_dir: missing; say where the run goes, as in output_dir: runs/first"),
            (
                "stages: [sft]\noutput_dir: x\nmodel_name_or_path: m",
                "run.yaml: dataset.train: no files, but sft.data reads them; list data files or directories under dataset: train:"
            ),
            (
                "output_dir: x",
                "run.yaml: model_name_or_path: missing; give the "
                    + "directory of a model in Hugging Face layout"
            ),
            (
                "stages: [sft, reward, evaluate]\ndataset: {train: a.jsonl}\noutput_dir: x\nmodel_name_or_path: m",
                "run.yaml: evaluate.prompts: dataset.eval names no files to take prompts from; list held-out "
                    + "files under "
                    + "dataset: eval:, or give evaluate.prompts"
            ),
            ("[1, 2]", "run.yaml:1: expected a block of keys, found a list; write key: value lines"),
        ])
    func required(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try RunConfiguration(yaml: yaml, name: "run.yaml") }
        #expect(error?.description == message)
    }

    @Test("A file that is missing, a directory, or not text is a clear error")
    func unreadable() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func message(_ path: String) -> String? {
                #expect(throws: ConfigurationError.self) { try RunConfiguration(contentsOf: path) }?.description
            }
            #expect(message("nowhere.yaml") == "nowhere.yaml: no such file; give the path of a YAML file")
            #expect(message(directory.path)?.contains("cannot be read") == true)
            let binary = directory.appending(path: "b.yaml")
            try Data([0xFF, 0xFE, 0x80]).write(to: binary)
            #expect(message(binary.path)?.contains("is not UTF-8 text") == true)
        }
    }

    @Test("Nested aliases that would unfold without end are refused")
    func aliasBomb() {
        var yaml = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
        for level in 1..<9 {
            let aliases = Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "x\(level): &x\(level) [\(aliases)]\n"
        }
        let error = #expect(throws: ConfigurationError.self) { try configuration(yaml) }
        #expect(error?.problem == "more than 100000 values")
    }

    @Test("An alias is no key, stands for an anchor further up, and nests no deeper than brackets may")
    func aliases() {
        func problem(_ yaml: String) -> String? {
            #expect(throws: ConfigurationError.self) { try configuration(yaml) }?.problem
        }
        #expect(problem("x: &x sft\n*x : {}") == "a key must be one word, found a list, block or alias")
        #expect(problem("x: &x [a]\n? [*x]\n: 1") == "a key must be one word, found a list, block or alias")
        #expect(problem("x: *y\ny: &y 1") == "*y stands for nothing")
        #expect(problem("x: &x [*x]") == "*x stands for nothing")
        #expect(problem("*.jsonl: 1\n*.jsonl: 2") == "written twice in one block")
        let chain = (1...70).map { "x\($0): &x\($0) [*x\($0 - 1)]\n" }.joined()
        #expect(problem("x0: &x0 [a]\n" + chain) == "nested more than 64 deep")
        #expect(problem("x: " + String(repeating: "[", count: 70)) != nil)
    }

    @Test("Stars in text stay stars")
    func stars() throws {
        let run = try configuration(
            "tokenizer_name_or_path: b*c\nstages: [dpo]\ndpo: {pairs: [\"*/a.jsonl\", 'd/*.jsonl']}")
        #expect(run.tokenizerNameOrPath == "b*c")
        #expect(run.settings["dpo.pairs"] == #"["*/a.jsonl", "d/*.jsonl"]"#)
    }
}
