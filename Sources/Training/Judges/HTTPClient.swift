import CCurl
import Foundation

/// HTTP and HTTPS by libcurl, which is loaded with the first client: one exchange at a time over a connection that is kept open.
///
/// It follows no redirection, which would carry a key elsewhere, and takes proxies from the environment as other programs do.
package final class HTTPClient {
    /// What is asked of a server.
    package struct Request: Sendable {
        package var url: String
        /// `Name: value` each.
        package var headers: [String] = []
        /// What is posted; `nil` asks by GET.
        package var body: String?
        /// Seconds for the whole exchange.
        package var timeout = 60.0

        package init(url: String, headers: [String] = [], body: String? = nil, timeout: Double = 60) {
            (self.url, self.headers, self.body, self.timeout) = (url, headers, body, timeout)
        }
    }

    /// What a server answers.
    package struct Response: Sendable {
        package var status: Int
        package var body: String
        /// Seconds after which it wants to be asked again; `nil` where it does not say.
        package var retryAfter: Double?
    }

    /// An exchange that came to no answer.
    package enum Failure: Error, Equatable {
        /// `isCancelled` said so.
        case cancelled
        /// It may work when it is tried again: no connection, a cut one, no answer in time.
        case transient(String)
        /// It will not: no libcurl, a certificate, a URL.
        case lasting(String)
    }

    /// Most bytes of an answer.
    private static let limit = 4 << 20
    private let client: OpaquePointer

    /// - Throws: ``Failure/lasting(_:)`` where libcurl is not installed.
    package init() throws(Failure) {
        var reason: UnsafePointer<CChar>?
        guard let client = ccurl_client_new(&reason) else {
            let why = reason.map { String(cString: $0) } ?? ""
            throw .lasting("\(why); install libcurl (the package libcurl4, or libcurl on other systems than Debian's)")
        }
        self.client = client
    }

    deinit { ccurl_client_free(client) }

    /// Asks and waits for the answer.
    ///
    /// - Parameter isCancelled: Asked about once a second; `true` leaves the exchange.
    package func response(
        to request: Request, isCancelled: () -> Bool = { false }
    ) throws(Failure) -> Response {
        var response = ccurl_response()
        let outcome = withoutActuallyEscaping(isCancelled) { isCancelled in
            var asked = Question(isCancelled: isCancelled)
            return perform(request, &asked, &response)
        }
        switch outcome {
        case CCURL_ANSWERED:
            let body = UnsafeRawBufferPointer(start: response.body, count: response.body_size)
            return Response(
                status: Int(response.status), body: String(decoding: body, as: UTF8.self),
                retryAfter: response.retry_after > 0 ? Double(response.retry_after) : nil)
        case CCURL_CANCELLED: throw .cancelled
        case CCURL_TIMED_OUT: throw .transient("no answer within \(Int(request.timeout.rounded(.up))) s")
        case CCURL_DISCONNECTED: throw .transient(reason(response))
        case CCURL_TOO_LONG: throw .lasting("the answer is longer than \(Self.limit >> 20) MiB")
        default: throw .lasting(reason(response))
        }
    }

    private func reason(_ response: ccurl_response) -> String { response.reason.map { String(cString: $0) } ?? "" }

    private struct Question {
        let isCancelled: () -> Bool
    }

    private func perform(
        _ request: Request, _ asked: inout Question, _ response: inout ccurl_response
    ) -> ccurl_outcome {
        let headers = request.headers.map { strdup($0) }
        defer { headers.forEach { free($0) } }
        let pointers = headers.map { UnsafePointer<CChar>($0) }
        return withUnsafeMutablePointer(to: &asked) { context in
            pointers.withUnsafeBufferPointer { headers in
                request.url.withCString { url in
                    func perform(_ body: UnsafePointer<CChar>?, _ size: Int) -> ccurl_outcome {
                        var raw = ccurl_request(
                            url: url, headers: headers.baseAddress, header_count: headers.count, body: body,
                            body_size: size, timeout: request.timeout, limit: Self.limit,
                            cancelled: { context in
                                let question = context?.assumingMemoryBound(to: Question.self)
                                return question?.pointee.isCancelled() == true ? 1 : 0
                            }, context: context)
                        return ccurl_perform(client, &raw, &response)
                    }
                    guard let body = request.body else { return perform(nil, 0) }
                    return body.withCString { perform($0, body.utf8.count) }
                }
            }
        }
    }
}
