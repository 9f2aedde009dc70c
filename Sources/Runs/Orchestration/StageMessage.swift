import Foundation

/// A message between the workers of a stage and its coordinator. The stage defines it; the orchestrator hands it on unread.
package protocol StageMessage: Codable, Sendable {
    /// What tells it from the stage's other messages.
    static var kind: String { get }
}

/// A stage's message as it comes: its kind, the message itself and bulk data.
package struct StageParcel: Sendable {
    /// What tells it from the stage's other messages.
    package let kind: String
    /// Numbers that are too many for JSON.
    package let bulk: [UInt8]
    private let json: Data

    /// Takes apart what ``encoded(_:bulk:)`` put together.
    package init(kind: String, payload: [UInt8]) throws(MessageError) {
        var reader = ByteReader(payload)
        self.kind = kind
        json = Data(try reader.take(Int(truncatingIfNeeded: reader.read(UInt64.self))))
        bulk = Array(reader.rest)
    }

    /// The message, where it is of this kind; `nil` for another.
    package func read<Message: StageMessage>(_: Message.Type) throws -> Message? {
        guard kind == Message.kind else { return nil }
        return try JSONDecoder.forMessages.decode(Message.self, from: json)
    }

    /// The message, which has to be of this kind.
    ///
    /// - Throws: ``UnexpectedMessage`` for one of another kind, which nobody would take.
    package func demand<Message: StageMessage>(_ type: Message.Type) throws -> Message {
        guard let message = try read(type) else { throw UnexpectedMessage(kind: kind) }
        return message
    }

    /// The message's length in 8 bytes, the message, the bulk.
    fileprivate static func encoded(_ message: some StageMessage, bulk: [UInt8]) throws -> [UInt8] {
        let json = try JSONEncoder.forMessages.encode(message)
        var writer = ByteWriter()
        writer.write(UInt64(json.count))
        return writer.bytes + json + bulk
    }
}

extension WorkerLink {
    /// Tells the stage's coordinator something.
    package func send<Message: StageMessage>(_ message: Message, bulk: [UInt8] = []) throws {
        try report(.stage(kind: Message.kind), payload: try StageParcel.encoded(message, bulk: bulk))
    }

    /// Waits for the coordinator's next message of this kind; others stay for later.
    package func next<Message: StageMessage>(_: Message.Type) throws -> (message: Message, bulk: [UInt8]) {
        let order = try nextOrder { if case .stage(Message.kind) = $0 { true } else { false } }
        let parcel = try StageParcel(kind: Message.kind, payload: order.payload)
        guard let message = try parcel.read(Message.self) else { throw UnexpectedOrder(order: order.header) }
        return (message, parcel.bulk)
    }
}

extension Delivery {
    /// A coordinator's message to a worker.
    package init<Message: StageMessage>(worker: Int, _ message: Message, bulk: [UInt8] = []) throws {
        self.init(
            worker: worker,
            parcel: Parcel(.stage(kind: Message.kind), payload: try StageParcel.encoded(message, bulk: bulk)))
    }
}

/// A message that a stage's coordinator does not know: a mistake of the program.
package struct UnexpectedMessage: Error, CustomStringConvertible {
    package let kind: String

    package init(kind: String) { self.kind = kind }

    package var description: String { "a worker sent a message that its stage does not know: \(kind)" }
}
