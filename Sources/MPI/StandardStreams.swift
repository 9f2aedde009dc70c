import Foundation

/// Standard input, output and error of a process, whatever became of what is behind them.
public enum StandardStreams {
    /// Makes sure that no file which is opened later becomes one of them; call it before any is.
    ///
    /// A program may be started with some of them closed, and the next file that it opened would take their numbers, and what
    /// they say. In their place comes a file that cannot be written, so that writing fails as before.
    public static func prepare() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
        // A reader that is gone is an error of the write, not a signal that ends a job.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Writes all of the bytes; returns the system's error code, or 0.
    fileprivate static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                start += count
            } else if errno == EAGAIN {
                // A terminal that others have set not to block, and that is full for the moment.
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&wait, 1, 1000) > 0 else { return EAGAIN }
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}

/// What is said to the person who watches.
public enum StandardError {
    /// Writes text, as far as that is possible: that nobody can read it is no reason to end what is under way.
    public static func write(_ text: String) {
        _ = StandardStreams.write(Array(text.utf8), to: STDERR_FILENO)
    }
}

/// What a command was asked for.
public enum StandardOutput {
    /// Writes text, all of it.
    ///
    /// Where nobody reads any more, as behind `| head -1`, the process ends by SIGPIPE, as others do.
    ///
    /// - Throws: ``StandardOutputError``
    public static func write(_ text: String) throws(StandardOutputError) {
        let code = StandardStreams.write(Array(text.utf8), to: STDOUT_FILENO)
        guard code != 0 else { return }
        if code == EPIPE {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
        throw StandardOutputError(reason: String(cString: strerror(code)))
    }
}

/// Standard output that could not be written.
public struct StandardOutputError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system's reason.
    public var reason: String

    /// Output that failed for a reason.
    public init(reason: String) { self.reason = reason }

    /// One line.
    public var description: String { "standard output cannot be written: \(reason)" }
}
