import Configuration
import Runs

extension ChatServer {
    /// Checks by one small question that the server is there, takes the key and has the model: lists of models are open to who has
    /// no key, and do not name all.
    ///
    /// - Throws: ``JudgeError``
    package func check() throws(JudgeError) {
        let client = try Self.client(endpoint)
        var dialect = ChatDialect()
        while true {
            let body = dialect.body(
                endpoint.model, "Say yes.", schema: JudgeAnswer<Double>.score.schema, maxTokens: options.maxTokens,
                seed: 0)
            let response = try answer(to: request(endpoint.completionsURL, body), by: client)
            switch response.status {
            // Busy is no reason not to begin.
            case 200, 408, 429, 500...: return
            case 400, 404, 422:
                if response.status != 404, let simpler = dialect.simpler(after: response.body) {
                    dialect = simpler
                    continue
                }
                let models = try models(by: client)
                guard models.isEmpty || models.contains(endpoint.model) else {
                    throw error(.unknownModel(nearest(models)))
                }
                throw error(.status(response.status, told(response.body)))
            default: throw error(.status(response.status, told(response.body)))
            }
        }
    }

    /// The models that the server lists; none where it does not.
    private func models(by client: HTTPClient) throws(JudgeError) -> [String] {
        let response = try answer(to: request(endpoint.modelsURL), by: client)
        return response.status == 200 ? ChatReply.models(in: response.body) ?? [] : []
    }

    /// A client, whose lack is told as the judge's.
    static func client(_ endpoint: ChatEndpoint) throws(JudgeError) -> HTTPClient {
        do throws(HTTPClient.Failure) { return try HTTPClient() } catch {
            guard case .lasting(let reason) = error else { throw JudgeError(endpoint, .cancelled) }
            throw JudgeError(endpoint, .unusable(reason))
        }
    }

    private func answer(
        to request: HTTPClient.Request, by client: HTTPClient
    ) throws(JudgeError) -> HTTPClient.Response {
        do throws(HTTPClient.Failure) { return try client.response(to: request) } catch {
            throw self.error(problem(error))
        }
    }

    /// The model that is meant where one is near, else the first ones.
    private func nearest(_ models: [String]) -> [String] {
        if let near = NearestName.of(endpoint.model, in: models) { return [told(near)] }
        return models.prefix(5).map(told) + (models.count > 5 ? ["\(models.count - 5) more"] : [])
    }
}
