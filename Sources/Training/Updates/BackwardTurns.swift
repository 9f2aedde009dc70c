import MPI
import Runs

/// Whose backward pass comes next, where ranks sum gradients within them.
///
/// Ranks have different numbers of micro-batches, yet all must take part in each sum. So before each pass they agree which model
/// it is of: one that has no pass of that model, or none at all any more, joins with nothing.
package final class BackwardTurns {
    private let communicator: Communicator
    private let tracer: Tracer
    private var members: [DividedGradients] = []

    package init(over communicator: Communicator, tracer: Tracer = Tracer()) {
        (self.communicator, self.tracer) = (communicator, tracer)
    }

    /// Adds the gradients of one more model; all ranks add the same in one order. Returns its number.
    func add(_ gradients: DividedGradients) -> Int {
        members.append(gradients)
        return members.count - 1
    }

    /// Makes a backward pass of a model, after those of others whose turn comes first.
    func take(_ member: Int, _ pass: () -> Void) throws {
        while true {
            let turn = try agree(on: member)
            if turn == member { return try members[member].reduce(pass) }
            if let turn { try members[turn].reduce() }
        }
    }

    /// Joins in the passes of others until no rank has one; a rank without any calls this alone.
    func finish() throws {
        while let turn = try agree(on: members.firstIndex { $0.isHolding }) { try members[turn].reduce() }
    }

    /// The last of the models that ranks have passes of; `nil` where none has any.
    private func agree(on own: Int?) throws -> Int? {
        let last = try tracer.measure(.waiting) {
            try communicator.allReduce(Int32(own.map { $0 + 1 } ?? 0), .max)
        }
        return last > 0 ? Int(last) - 1 : nil
    }
}
