import JSON

/// Answers to one prompt, and columns that say which is the better one.
extension RowLayout {
    /// Of several answers two are read.
    static let comparisons = [
        RowLayout(name: "PKU-SafeRLHF") { fields in
            guard let better = fields["better_response_id"]?.integer, better == 0 || better == 1,
                let prompt = fields.words("prompt")
            else { return nil }
            return fields.comparing(
                "response_0", "response_1", prefersFirst: better == 0, prompt: .only("user", prompt))
        },
        RowLayout(name: "HelpSteer3") { fields throws(UndecidedRow) in
            guard let preference = fields["overall_preference"]?.double, let prompt = fields["context"],
                fields.turns("context") != nil
            else { return nil }
            return try fields.comparing("response1", "response2", by: preference, prompt: prompt)?
                .replacing(["context"], by: [])
        },
        RowLayout(name: "HelpSteer2's preferences") { fields throws(UndecidedRow) in
            guard let strength = fields["preference_strength"]?.double, let prompt = fields.words("prompt") else {
                return nil
            }
            return try fields.comparing("response_1", "response_2", by: strength, prompt: .helpSteerTurns(prompt))
        },
        RowLayout(name: "SHP") { fields in
            guard let label = fields["labels"]?.integer, label == 0 || label == 1, let post = fields.words("history")
            else {
                return nil
            }
            return fields.comparing(
                "human_ref_A", "human_ref_B", prefersFirst: label == 1, prompt: .only("user", post))?
                .replacing(["history"], by: [])
        },
        RowLayout(name: "TL;DR comparisons") { fields in
            guard case .object(let info)? = fields["info"], case .array(let summaries)? = fields["summaries"],
                summaries.count == 2, let choice = fields["choice"]?.integer, choice == 0 || choice == 1,
                let post = info.words("post")
            else { return nil }
            let texts = summaries.compactMap { summary -> String? in
                if case .object(let object) = summary { object.words("text") } else { nil }
            }
            guard texts.count == 2 else { return nil }
            return fields.replacing(
                ["info", "summaries", "choice"],
                by: [
                    ("prompt", .only("user", info.words("title").map { "\($0)\n\n\(post)" } ?? post)),
                    ("chosen", .only("assistant", texts[choice])),
                    ("rejected", .only("assistant", texts[1 - choice])),
                ])
        },
        RowLayout(name: "Nectar (the best of its ranked answers and the worst are read, no others)") {
            fields throws(UndecidedRow) in
            guard fields.lacks("chosen", "rejected", "completion", "messages"), let prompt = fields.words("prompt"),
                let answers = fields.rankedAnswers
            else { return nil }
            // The space that ends the prompt goes with the answers, where tokenizers want it.
            let row = fields.replacing([], by: [("prompt", .string(String(prompt[...].trimmedAtEnd)))])
            guard let best = answers.min(by: { $0.rank < $1.rank }), let worst = answers.max(by: { $0.rank < $1.rank }),
                best.rank < worst.rank
            else { throw UndecidedRow(prompt: row) }
            let texts = [best, worst].map { JSON.string(" " + $0.text[...].trimmedAtStart) }
            let pair = row.replacing([], by: [("chosen", texts[0]), ("rejected", texts[1])])
            return pair.extended(by: best.others.prefixed("chosen_")).extended(by: worst.others.prefixed("rejected_"))
        },
        // The binarized edition draws the worse one from the other three; of all choices the worst is the one that is the same each
        // time, and farthest from what a judge would confuse.
        RowLayout(name: "UltraFeedback (of the scored completions the best and the worst are read, no others)") {
            fields throws(UndecidedRow) in
            guard fields.lacks("prompt", "chosen", "rejected", "messages"),
                let instruction = fields.words("instruction"), let completions = fields.scoredCompletions
            else { return nil }
            let row = fields.replacing(["instruction"], by: [("prompt", .only("user", instruction))])
            guard let best = completions.max(by: { $0.score < $1.score }),
                let worst = completions.min(by: { $0.score < $1.score }), best.score > worst.score
            else { throw UndecidedRow(prompt: row) }
            let pair = row.replacing(
                ["completions"],
                by: [
                    ("chosen", .only("assistant", best.text)), ("rejected", .only("assistant", worst.text)),
                    ("score_chosen", best.number), ("score_rejected", worst.number),
                ])
            return pair.extended(by: best.others.prefixed("chosen_")).extended(by: worst.others.prefixed("rejected_"))
        },
    ]
}

extension JSONObject {
    /// A pair of two columns of text; `nil` where one of them is not there.
    fileprivate func comparing(
        _ first: String, _ second: String, prefersFirst: Bool, prompt: JSON
    ) -> JSONObject? {
        guard lacks("chosen", "rejected"), let one = words(first), let other = words(second) else { return nil }
        return replacing(
            [first, second],
            by: [
                ("prompt", prompt), ("chosen", .only("assistant", prefersFirst ? one : other)),
                ("rejected", .only("assistant", prefersFirst ? other : one)),
            ])
    }

    /// The same by a number below zero where the first is better, and above it where the second is.
    fileprivate func comparing(
        _ first: String, _ second: String, by preference: Double, prompt: JSON
    ) throws(UndecidedRow) -> JSONObject? {
        let pair = comparing(first, second, prefersFirst: preference < 0, prompt: prompt)
        guard pair == nil || preference != 0 else {
            throw UndecidedRow(prompt: replacing([first, second], by: [("prompt", prompt)]))
        }
        return pair
    }

    /// The answers of a row that ranks them, 1 for the best; `nil` where a list of such is missing.
    fileprivate var rankedAnswers: [(text: String, rank: Double, others: JSONObject)]? {
        guard case .array(let items)? = self["answers"], !items.isEmpty else { return nil }
        let answers = items.compactMap { item -> (text: String, rank: Double, others: JSONObject)? in
            guard case .object(let answer) = item, let text = answer["answer"]?.text, let rank = answer["rank"]?.double
            else { return nil }
            return (text, rank, answer.replacing(["answer"], by: []))
        }
        return answers.count == items.count ? answers : nil
    }

    /// A response with a score, and what else is said of it in a word or a number.
    fileprivate struct ScoredCompletion {
        var text: String
        var score: Double
        var number: JSON
        var others: JSONObject
    }

    /// The completions of a row that scores them, `overall_score` before `fine-grained_score`, without those that have no score; `nil`
    /// where a list of responses is missing.
    fileprivate var scoredCompletions: [ScoredCompletion]? {
        guard case .array(let items)? = self["completions"] else { return nil }
        let responses = items.compactMap { item -> JSONObject? in
            if case .object(let completion) = item, completion["response"]?.text != nil { completion } else { nil }
        }
        guard responses.count == items.count else { return nil }
        return responses.compactMap { completion in
            let scores = ["overall_score", "fine-grained_score"].lazy.compactMap { completion[$0] }
            guard let number = scores.first(where: { $0.double != nil }), let score = number.double,
                let text = completion["response"]?.text
            else { return nil }
            let others = completion.entries.filter { $0.value.double != nil || $0.key == "model" }
            return ScoredCompletion(
                text: text, score: score, number: number,
                others: JSONObject(uniqueKeysWithValues: others.map { ($0.key, $0.value) }))
        }
    }

    fileprivate func prefixed(_ prefix: String) -> JSONObject {
        JSONObject(uniqueKeysWithValues: entries.map { (prefix + $0.key, $0.value) })
    }
}
