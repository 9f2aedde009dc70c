import Foundation
import Runs
import Synchronization

/// A program that `/bin/sh` runs beside this process, reached over pipes.
///
/// It is the leader of a process group of its own, so that it ends with all it started. Its environment is ours. One
/// thread does all input and output: ``exchange(sending:receiving:for:)`` waits for whichever pipe is ready.
package final class ShellProgram {
    /// The program's id, which is also its process group's.
    package let process: pid_t
    /// What it wrote last to its standard error.
    package private(set) var errorTail = OutputTail()

    /// Our ends of the pipes, -1 once closed.
    private var input: Int32 = -1
    private var output: Int32 = -1
    private var errors: Int32 = -1
    private var exit: ProgramExit?
    private let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

    /// Held while pipes exist that a program started on another thread would inherit and keep open.
    private static let starting = Mutex(())

    /// Starts `/bin/sh` with `arguments`.
    /// - Throws: ``ShellError`` where the system cannot start it.
    package init(_ arguments: [String]) throws(ShellError) {
        let started = Self.starting.withLock { _ in Result { () throws(ShellError) in try Self.start(arguments) } }
        do {
            (process, input, output, errors) = try started.get()
        } catch {
            chunk.deallocate()
            throw error
        }
    }

    deinit {
        end(within: 3)
        chunk.deallocate()
    }

    /// Whether it may still read what we send.
    package var takesInput: Bool { input >= 0 }

    /// Whether it may still write something.
    package var hasOutput: Bool { output >= 0 }

    /// Waits up to `seconds` until something can be sent or received, then does as much as goes without waiting.
    ///
    /// What it writes to its standard error goes to ``errorTail``, so it never waits for us there.
    /// - Returns: how many of the bytes were sent.
    package func exchange(
        sending bytes: ArraySlice<UInt8> = [], receiving received: inout LineBuffer, for seconds: Double
    ) -> Int {
        var ready = [
            pollfd(fd: bytes.isEmpty ? -1 : input, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds = Int32(min(max(0, seconds * 1000).rounded(.up), 3_600_000))
        guard poll(&ready, nfds_t(ready.count), milliseconds) > 0 else { return 0 }
        if ready[2].revents != 0, let text = read(&errors) { errorTail.append(text) }
        if ready[1].revents != 0, let text = read(&output) { received.append(text) }
        return ready[0].revents != 0 ? send(bytes) : 0
    }

    /// Tells it to end by closing its input, waits up to `grace` seconds, then ends it and all it started.
    @discardableResult
    package func end(within grace: Double) -> ProgramExit {
        if let exit { return exit }
        Self.close(&input)
        var forced = false
        if !hasEnded(within: grace) {
            forced = true
            kill(-process, SIGTERM)
            if !hasEnded(within: 1) { kill(-process, SIGKILL) }
            while !hasEnded(within: 1) {}
        }
        // Its id, not collected yet, still names the group: whatever it left running ends here.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        let collected = collect(&status)
        drain()
        Self.close(&output)
        Self.close(&errors)
        let exit: ProgramExit = forced ? .forced : collected ? ProgramExit(waitStatus: status) : .unknown
        self.exit = exit
        return exit
    }
}

extension ShellProgram {
    private func send(_ bytes: ArraySlice<UInt8>) -> Int {
        let (count, error) = bytes.withUnsafeBytes { writeWithoutSignal(input, $0) }
        if count < 0, error != EAGAIN, error != EINTR { Self.close(&input) }
        return max(0, count)
    }

    /// What a pipe holds, valid until the next call; `nil` where it holds nothing or has ended.
    private func read(_ descriptor: inout Int32) -> UnsafeRawBufferPointer? {
        let count = Glibc.read(descriptor, chunk.baseAddress, chunk.count)
        if count > 0 { return UnsafeRawBufferPointer(rebasing: chunk[..<count]) }
        if count == 0 || (errno != EAGAIN && errno != EINTR) { Self.close(&descriptor) }
        return nil
    }

    /// Reads on for up to `seconds` so that it can end; whether it has, though its status is not collected yet.
    private func hasEnded(within seconds: Double) -> Bool {
        let deadline = DispatchTime.now() + seconds
        var pause = 0.001
        while true {
            var state = siginfo_t()
            let code = waitid(P_PID, id_t(process), &state, WEXITED | WNOHANG | WNOWAIT)
            if code == 0 ? state.si_signo != 0 : errno != EINTR { return true }
            if DispatchTime.now() > deadline { return false }
            var ignored = LineBuffer()
            _ = exchange(receiving: &ignored, for: pause)
            pause = min(0.02, pause * 1.5)
        }
    }

    private func collect(_ status: inout Int32) -> Bool {
        while waitpid(process, &status, 0) < 0 {
            if errno != EINTR { return false }
        }
        return true
    }

    /// Takes the rest of what it wrote; some of what left its group may write for ever.
    private func drain() {
        var ignored = LineBuffer()
        for _ in 0..<32 where errors >= 0 || output >= 0 { _ = exchange(receiving: &ignored, for: 0) }
    }

    private static func close(_ descriptor: inout Int32) {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
