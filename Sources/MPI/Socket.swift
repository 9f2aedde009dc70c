import Foundation

/// A TCP socket that never blocks but while it connects, and that programs started by this process do not inherit.
final class Socket: Sendable {
    let descriptor: Int32

    private init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Waits for connections at any address of this machine, on a port that the kernel chooses; `nil` where it may not.
    static func listening() -> Socket? {
        for address in Address.any {
            let descriptor = socket(address.family, Address.stream, 0)
            guard descriptor >= 0 else { continue }
            let listener = Socket(adopting: descriptor)
            if address.withPointer({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1024) == 0 { return listener }
        }
        return nil
    }

    /// A connection to an address; `nil` where there is none within the time, in seconds.
    static func connected(to address: Address, within seconds: Double) -> Socket? {
        let descriptor = socket(address.family, Address.stream, 0)
        guard descriptor >= 0 else { return nil }
        let connection = Socket(adopting: descriptor)
        if address.withPointer({ connect(descriptor, $0, $1) }) == 0 { return connection }
        guard errno == EINPROGRESS else { return nil }
        var status = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&status, 1, Int32(seconds * 1000)) == 1 else { return nil }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        return error == 0 ? connection : nil
    }

    /// The port that it listens on.
    var port: UInt16 { Address.ofSocket(descriptor)?.port ?? 0 }

    /// The next connection that waits to be taken.
    func accepted() -> Socket? {
        let descriptor = accept(descriptor, nil, nil)
        return descriptor >= 0 ? Socket(adopting: descriptor) : nil
    }

    /// Sends what fits into the kernel's buffer; whether the connection still stands.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) >= 0 || errno == EAGAIN
    }

    /// What has arrived, up to a thousand bytes; `nil` once the connection is closed.
    func received() -> [UInt8]? {
        var closed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
            let result = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            closed = result == 0 || (result < 0 && errno != EAGAIN && errno != EINTR)
            count = max(0, result)
        }
        return closed ? nil : bytes
    }
}
