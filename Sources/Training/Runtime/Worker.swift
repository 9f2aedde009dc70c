import MPI

/// A worker's loop: waits for orders and runs stages until the run is over.
struct Worker {
    let plan: RunPlan
    let cluster: Cluster
    let workers: Communicator
    let link: any WorkerLink
    let text: TextPipeline
    let tracer: Tracer

    func run() throws {
        while true {
            let order = try tracer.measure(.waiting) { try link.nextOrder() }
            switch order.header {
            case .run(let index, let checkpoint):
                let stage = plan.stages[index]
                let context = StageContext(
                    plan: plan, stage: stage, cluster: cluster, workers: workers, link: link, text: text,
                    checkpoint: checkpoint, tracer: tracer)
                try tracer.measure(.stage, label: stage.name) { try context.run() }
                // Nobody may read what the stage leaves before everybody is through.
                try tracer.measure(.waiting) { try workers.quietBarrier() }
                try link.report(.finished)
            case .end: return
            case .learn: preconditionFailure("an order to learn outside a PPO stage")
            }
        }
    }
}
