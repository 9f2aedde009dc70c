import Runs

extension StageContext {
    /// A model behind a server, asked for scores or, where its options say so, to compare the responses to each prompt.
    ///
    /// - Parameters:
    ///   - isLeft: Whether the stage may be left, for the run to stop, while answers are waited for.
    ///   - groupSize: How many responses each prompt has.
    func judgeScorer(_ reference: String, isLeft: Bool, groupSize: Int) throws -> any Scorer {
        guard judging.mode == .pair else { return JudgeScorer(try judge(reference, .score, isLeft: isLeft)) }
        return PairwiseScorer(try pairJudge(reference, isLeft: isLeft), groupSize: groupSize)
    }

    /// A model behind a server that compares two responses.
    package func pairJudge(_ reference: String, isLeft: Bool) throws -> any PairJudge {
        ChatPairJudge(try judge(reference, .winner, isLeft: isLeft))
    }

    private var judging: JudgeOptions { stage.configuration.stage.judging ?? JudgeOptions() }

    private func judge<Value>(_ reference: String, _ answer: JudgeAnswer<Value>, isLeft: Bool) throws -> Judge<Value> {
        let endpoint = try ChatEndpoint(reference)
        let journal = JudgeJournal(
            stage.directory, others: plan.stages.filter { $0.index != stage.index }.map(\.directory),
            name: String(FNV1a.hash("\(answer.mode) \(endpoint)".utf8), radix: 16), worker: workers.rank)
        let roles = stage.configuration.stage.roles(workers: workers.size)
        let asking = max(1, roles.samplers.isEmpty ? roles.learners.count : roles.samplers.count)
        let place = (roles.samplers.isEmpty ? roles.learners : roles.samplers).firstIndex(of: workers.rank) ?? 0
        let budget = RequestBudget(
            sharing: judging.maxRequests, spent: journal.spent, perMinute: judging.requestsPerMinute, worker: place,
            of: asking)
        return Judge(
            ChatServer(endpoint, key: JudgeKey(), judging, budget: budget), answer,
            try judging.question(answer.mode), journal
        ) { [self] in
            // Every wait for a server has an end.
            workers.noteProgress()
            if isLeft { try stopAlone() }
        }
    }
}

extension StageStart {
    /// Checks that a judge's question can be read, that its server is there and takes the key, and that it has the model.
    ///
    /// - Throws: ``ConfigurationError``
    func checkJudge(_ reference: String, for key: String) throws {
        let judging = configuration.stage(named: name)?.stage.judging ?? JudgeOptions()
        do throws(RunError) { _ = try judging.question(judging.mode ?? .score) } catch {
            throw configuration.error(
                at: "\(name).\(JudgeOptions.name).prompt", "\(error)",
                remedy: "or leave it out for the built-in question")
        }
        let server = ChatServer(
            try ChatEndpoint(reference), key: JudgeKey(), judging,
            budget: RequestBudget(requests: nil, perMinute: nil))
        do throws(JudgeError) { try server.check() } catch {
            throw configuration.error(at: "\(name).\(key)", "\(error.endpoint) \(error.fault)", remedy: error.remedy)
        }
    }
}

extension JudgeOptions {
    /// The question that is asked in a mode.
    func question(_ mode: JudgeMode) throws(RunError) -> JudgePrompt {
        guard let prompt else { return JudgePrompt(mode) }
        return try JudgePrompt(reading: prompt, mode)
    }
}
