import MPI

/// How a worker reaches the orchestrator: over MPI, or within the process where there is only one.
package protocol WorkerLink: AnyObject {
    /// Tells the orchestrator something; does not wait for an answer, but until it is on its way whole.
    func report(_ report: Report, payload: [UInt8]) throws
    /// Waits for the next order that is asked for, without using the processor; others stay for later.
    func nextOrder(where isAskedFor: (Order) -> Bool) throws -> Parcel<Order>
}

extension WorkerLink {
    package func report(_ report: Report) throws { try self.report(report, payload: []) }

    package func nextOrder() throws -> Parcel<Order> { try nextOrder { _ in true } }
}

/// Orders and reports as messages on the control communicator.
package final class MPILink: WorkerLink {
    private let control: Communicator
    private var waiting: [Parcel<Order>] = []

    package init(_ control: Communicator) {
        self.control = control
    }

    package func report(_ report: Report, payload: [UInt8]) throws {
        try control.post(try Parcel(report, payload: payload).encoded(), to: 0, tag: MessageTag.report)
        // MPI sends a long message only within its calls, and the next may be minutes of sampling away.
        try control.flush()
    }

    package func nextOrder(where isAskedFor: (Order) -> Bool) throws -> Parcel<Order> {
        if let index = waiting.firstIndex(where: { isAskedFor($0.header) }) { return waiting.remove(at: index) }
        try control.flush()
        while true {
            let order = try Parcel<Order>(decoding: try control.receive(from: 0, tag: MessageTag.order).bytes)
            if isAskedFor(order.header) { return order }
            waiting.append(order)
        }
    }
}

/// Orders and reports within one process: reporting calls the orchestrator, whose answers queue up as orders.
package final class LocalLink: WorkerLink {
    private let orchestrator: Orchestrator
    private var orders: [Parcel<Order>] = []

    package init(_ orchestrator: Orchestrator) throws {
        self.orchestrator = orchestrator
        try take(try orchestrator.start())
    }

    package func report(_ report: Report, payload: [UInt8]) throws {
        try take(try orchestrator.handle(Parcel(report, payload: payload), from: 0))
    }

    package func nextOrder(where isAskedFor: (Order) -> Bool) throws -> Parcel<Order> {
        guard let index = orders.firstIndex(where: { isAskedFor($0.header) }) else {
            preconditionFailure("the worker waits for an order that nobody will give")
        }
        return orders.remove(at: index)
    }

    private func take(_ deliveries: [Delivery]) throws {
        orders += deliveries.map(\.parcel)
    }
}

/// An order that makes no sense where a worker is: a mistake of the program, and no reason to go on without what it was for.
package struct UnexpectedOrder: Error, CustomStringConvertible {
    package let order: Order

    package var description: String { "the orchestrator gave an order that was not asked for: \(order)" }
}

/// What messages on the control communicator are about.
package enum MessageTag {
    package static let report = 1
    package static let order = 2
    package static let clock = 3
}

/// An order and the worker it goes to.
package struct Delivery {
    package var worker: Int
    package var parcel: Parcel<Order>
}
