import Configuration
import Objectives
import Runs
import Training

extension OnlineDPOOptions {
    /// Fills in what follows from other options, and refuses what means nothing beside them.
    ///
    /// - Throws: ``ConfigurationError``
    package mutating func resolve(in scope: StageScope) throws {
        if labels == .reward, generatedShare > 0 {
            if rewards.sources.isEmpty { rewards.sources = [try scope.reward(from: RewardStage.type, for: "reward")] }
        } else if !rewards.sources.isEmpty {
            throw scope.error(
                "reward",
                generatedShare > 0
                    ? "is not asked where labels is \(labels.rawValue)" : "is not asked where generated_share is 0",
                generatedShare > 0
                    ? "leave it out, or write labels: reward" : "leave it out, or write a generated_share above 0")
        }
        try compared.resolve(for: choice, initial: initial, scope)
        try referenceSync.check(scope, reads: compared.frozen.count, adapter)
        let standard = Self()
        if pairRule != .confident, confidence != standard.confidence {
            throw scope.error("confidence", "has no meaning for pairs \(pairRule.rawValue)", "write pairs: confident")
        }
        try rewards.check(scope)
        if missingEOSPenalty != nil, rewards.sources.isEmpty {
            throw scope.error("missing_eos_penalty", "has no meaning without a reward", "leave it out")
        }
        if missingEOSPenalty != nil, sampling.stopToken == .none {
            throw scope.error(
                "missing_eos_penalty", "is taken off every score where stop_token is none: no response has an end",
                "give stop_token, or leave it out")
        }
        try checkRewardUpdate(scope)
        try checkDemonstrations(scope)
        try checkDrawing(scope)
        if dataLabels == .policy, !readsPairs {
            throw scope.error(
                "data_labels", "has no meaning where every pair is drawn", "write generated_share: 0.0, or leave it out"
            )
        }
        let asksPolicy = labels == .policy && generatedShare > 0 || dataLabels == .policy
        if asksPolicy, compared.frozen.count != 1 {
            throw scope.error(
                "loss_type",
                "\(choice.name) compares with \(compared.frozen.count) references, and the policy's labels with one",
                "choose another loss, or labels: reward")
        }
        if choice.settings[OwnDistributionOptions.self].rho > 0, generatedShare == 0, dataLabels == .reward {
            throw scope.error(
                "sail_rho", "has no meaning where the policy draws neither responses nor labels",
                "write data_labels: policy, or a generated_share above 0")
        }
    }

    /// Refuses keys of what is drawn where nothing is, and of scores where nothing gives any.
    private func checkDrawing(_ scope: StageScope) throws {
        if generatedShare == 0 {
            let keys = [
                "labels", "num_generations", "temperature", "top_p", "top_k", "stop_token", "generation_batch_size",
                "max_staleness", "pairs",
            ]
            if let key = changed(keys) {
                throw scope.error(
                    key, "has no meaning where generated_share is 0: nothing is drawn",
                    "leave it out, or write a generated_share above 0")
            }
        }
        let drawn = drawnPrompts
        if generatedShare > 0, generatedShare < 1, drawn == 0 || drawn == rollouts.rolloutBatchSize {
            throw scope.error(
                "generated_share",
                "\(generatedShare) of \(rollouts.rolloutBatchSize) prompts is \(drawn == 0 ? "none" : "all")",
                "raise rollout_batch_size, or write \(drawn == 0 ? "0.0" : "1.0")")
        }
        if rollouts.equalGroups == .drop, labels == .reward {
            throw scope.error(
                "equal_groups", "responses of equal scores make no pair anyway",
                "write resample to have them drawn again, or leave it out")
        }
        if labels != .reward || generatedShare == 0, let key = changed(["equal_groups", "pairs"]) {
            throw scope.error(
                key, "has no meaning where no response is scored",
                generatedShare > 0 ? "leave it out, or write labels: reward" : "leave it out")
        }
    }

    /// The first of these keys that says something else than it does by itself. A resolved configuration gives every key.
    private func changed(_ keys: [String]) -> String? {
        let standard = Self()
        return Self.fields.first { keys.contains($0.key) && !$0.isSame(in: self, as: standard) }?.key
    }

    private mutating func checkRewardUpdate(_ scope: StageScope) throws {
        guard rewardUpdate.gold != nil else {
            guard rewardUpdate == RewardUpdateOptions() else {
                throw scope.error(
                    "reward_update", "has no meaning without gold labels", "give reward_update.gold, or leave it out")
            }
            return
        }
        if let steps = rollouts.fixedSteps, steps < rewardUpdate.steps {
            throw scope.error(
                "reward_update.steps",
                "the first update would be after step \(rewardUpdate.steps), and there are \(steps)",
                "write at most \(steps), or more steps")
        }
        if rewards.weights != nil, rewards.sources.count == 1 {
            throw scope.error(
                "reward_weights", "has no meaning for the one reward model that reward_update teaches", "leave it out")
        }
        guard taughtReward != nil else {
            let asked = rewards.sources.map(\.description).joined(separator: ", ")
            throw scope.error(
                "reward_update.gold",
                "has no \(rewards.model == nil ? "" : "one ")reward model to teach: \(asked.isEmpty ? "no reward is asked" : "reward is \(asked)")",
                "give reward: a reward stage or a reward model's directory")
        }
        let most = pairsOfUpdate
        if !scope.given.contains("reward_update.pairs") { rewardUpdate.pairs = min(rewardUpdate.pairs, most) }
        guard rewardUpdate.pairs <= most else {
            throw scope.error(
                "reward_update.pairs",
                "asks for \(rewardUpdate.pairs) pairs at an update, before which there are at most \(most): "
                    + "reward_update.steps \(rewardUpdate.steps) x \(drawnPrompts) drawn prompts x \(HumanFormat.counted(pairsOfPrompt, "pair"))",
                "write at most \(most), or raise rollout_batch_size or reward_update.steps")
        }
    }

    private func checkDemonstrations(_ scope: StageScope) throws {
        if labels == .demonstrations {
            if generatedShare == 0 {
                throw scope.error(
                    "labels", "demonstrations stand before responses that are drawn, and generated_share is 0",
                    "write a generated_share above 0, or leave labels out")
            }
            if choice.settings[OwnDistributionOptions.self].rho > 0 {
                throw scope.error(
                    "sail_rho", "is of pairs whose responses the policy draws both, and labels is demonstrations",
                    "leave it out, or write labels: reward")
            }
        }
        if choice.settings[KindWeights.self].isUsed, labels != .demonstrations || !readsPairs {
            throw scope.error(
                "aihf", "has no meaning where not both demonstrations and pairs of preference are learned from",
                "write labels: demonstrations and a generated_share below 1, or leave it out")
        }
    }
}
