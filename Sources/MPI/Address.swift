import Foundation

/// A TCP address: IPv4 or IPv6, and a port.
struct Address {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    static var stream: Int32 { Int32(SOCK_STREAM.rawValue) }

    /// All addresses of this machine: both families together, or IPv4 alone where there is no IPv6.
    static var any: [Address] { ["::", "0.0.0.0"].compactMap { Address($0, port: 0) } }

    /// An address in digits, as in `10.0.0.1`; `nil` where it is none.
    init?(_ host: String, port: UInt16) {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Self.stream
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let found = list?.pointee, let address = found.ai_addr
        else { return nil }
        defer { freeaddrinfo(list) }
        self.init(address, found.ai_addrlen)
    }

    private init(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) {
        self.length = length
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min($0.count, Int(length))))
        }
    }

    /// Where a socket is bound.
    static func ofSocket(_ descriptor: Int32) -> Address? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                getsockname(descriptor, pointer, &length) == 0 ? Address(pointer, length) : nil
            }
        }
    }

    /// The addresses of this machine in digits, those that only it can reach last.
    static var ofThisMachine: [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var (outer, inner): ([String], [String]) = ([], [])
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, entry.ifa_flags & UInt32(IFF_UP) != 0 else { continue }
            let family = Int32(address.pointee.sa_family)
            guard family == AF_INET || family == AF_INET6 else { continue }
            let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            guard let text = Address(address, socklen_t(length)).text, !text.hasPrefix("fe80") else { continue }
            if entry.ifa_flags & UInt32(IFF_LOOPBACK) != 0 { inner.append(text) } else { outer.append(text) }
        }
        return outer + inner
    }

    var family: Int32 { Int32(storage.ss_family) }

    var port: UInt16 {
        // Both families have the port, most significant byte first, behind the family.
        withUnsafeBytes(of: storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    }

    /// The address in digits, without its port.
    private var text: String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = withPointer { getnameinfo($0, $1, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) }
        return status == 0
            ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
