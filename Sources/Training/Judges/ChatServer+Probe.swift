import Configuration
import Runs

extension ChatServer {
    /// Checks that the server is there, takes the key and has the model: by its list of models, and where that does not tell by
    /// a question.
    ///
    /// - Throws: ``JudgeError``
    package func check() throws(JudgeError) {
        let client = try Self.client(endpoint)
        let listed = try answer(to: request(endpoint.modelsURL), by: client)
        switch listed.status {
        case 200:
            guard let models = ChatReply.models(in: listed.body), !models.contains(endpoint.model) else { return }
            // Some take more than they list.
            try ask(by: client, models)
        case 401, 403: throw error(.status(listed.status, told(listed.body)))
        default: try ask(by: client, [])
        }
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

    private func ask(by client: HTTPClient, _ models: [String]) throws(JudgeError) {
        var dialect = ChatDialect()
        while true {
            let body = dialect.body(
                endpoint.model, "Say yes.", schema: JudgeAnswer<Double>.score.schema, maxTokens: 16, seed: 0)
            let response = try answer(to: request(endpoint.completionsURL, body), by: client)
            switch response.status {
            // Busy is no reason not to begin.
            case 200, 408, 429, 500...: return
            case 404 where !models.isEmpty || response.body.lowercased().contains("model"):
                throw error(.unknownModel(nearest(models)))
            case 400, 422:
                if let simpler = dialect.simpler(after: response.body) {
                    dialect = simpler
                    continue
                }
                guard models.isEmpty else { throw error(.unknownModel(nearest(models))) }
                throw error(.status(response.status, told(response.body)))
            default: throw error(.status(response.status, told(response.body)))
            }
        }
    }

    /// The model that is meant where one is near, else the first ones.
    private func nearest(_ models: [String]) -> [String] {
        if let near = NearestName.of(endpoint.model, in: models) { return [told(near)] }
        return models.prefix(5).map(told) + (models.count > 5 ? ["\(models.count - 5) more"] : [])
    }
}
