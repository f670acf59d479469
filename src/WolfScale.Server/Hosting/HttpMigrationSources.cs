using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using WolfScale.Cluster;
using WolfScale.MariaDb;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting;

/// <summary>The other nodes, asked for their data over their HTTP API.</summary>
internal sealed class HttpMigrationSources : IMigrationSources, IDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    /// <summary>Until the headers: the source may have to wait for its applier.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(90);

    /// <summary>A source whose machine is gone says nothing: the kernel asks after so many seconds of silence, this often.</summary>
    private const int KeepAliveSeconds = 15;

    private const int KeepAliveProbes = 4;

    private readonly Func<ClusterView> _view;
    private readonly OtherApis _apis;
    private readonly Lock _opening = new();
    private ApiTrust _trust;
    private HttpClient _http;

    public HttpMigrationSources(Func<ClusterView> view, OtherApis apis)
    {
        (_view, _apis, _trust) = (view, apis, apis.Trust);
        _http = Client(_trust);
    }

    /// <summary>Copies that begin after a reload are asked for by another. What runs goes on; its client is the collector's.</summary>
    private HttpClient Http
    {
        get
        {
            lock (_opening)
            {
                if (_apis.Trust is var now && now != _trust)
                    (_trust, _http) = (now, Client(now));
                return _http;
            }
        }
    }

    private static HttpClient Client(ApiTrust trust)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = ConnectLimit,
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectCallback = ConnectAsync,
        };
        trust.Authority?.DemandIn(handler.SslOptions);
        var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        if (trust.Token.Length > 0)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", trust.Token);
        return http;
    }

    public IMigrationSource Named(string from)
    {
        var view = _view();
        if (view.Find(from) is { } node)
        {
            if (node.Id == view.SelfId)
                throw new DumpException($"{from} is this node itself: name another.");
            return node.ApiAddress.Length > 0
                ? Source(node)
                : throw new DumpException($"{from} does not say where its HTTP API is (api.enabled = false, or it was never heard of).");
        }

        return PeerAddress.TryParse(from, _apis.Scheme, out var api, out _)
            ? new HttpSource(this, from, api)
            : throw new DumpException($"\"{from}\" is neither a node of this cluster ({string.Join(", ", view.Nodes.Select(n => n.Id))}) nor HOST:PORT of a node's HTTP API (port 8080 unless its [api] bind_address says otherwise).");
    }

    public IMigrationSource? Choose(int attempt)
    {
        var view = _view();
        var candidates = view.Nodes
            .Where(n => n.Id != view.SelfId && n is { Witness: false, Status: NodeStatus.Active, ApiAddress.Length: > 0 })
            .OrderBy(n => n.Id == view.LeaderId).ThenBy(n => n.LagEntries).ThenByDescending(n => n.Id, StringComparer.Ordinal) // the lowest id is preferred as the next leader
            .ToImmutableArray();
        return candidates.IsEmpty ? null : Source(candidates[(attempt - 1) % candidates.Length]);
    }

    public void Dispose() => _http.Dispose();

    private HttpSource Source(NodeView node) => new(this, node.Id, _apis.Url(node.ApiAddress));

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class HttpSource(HttpMigrationSources sources, string name, Uri api) : IMigrationSource
    {
        public string Name => name;

        public async Task CheckAsync(CancellationToken cancellationToken)
        {
            using var answer = await AskAsync("/status", zip: false, cancellationToken);
            NodeReport? report;
            try
            {
                await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
                report = await JsonSerializer.DeserializeAsync(body, ApiJson.Readable.NodeReport, cancellationToken);
            }
            catch (JsonException)
            {
                report = null;
            }

            var view = sources._view();
            if (report is null)
                throw new DumpException($"{api} answers, but not as a WolfScale node does");
            if (report.Id == view.SelfId)
                throw new DumpException($"{api} is this node itself: name another");
            if (report.ClusterId != view.ClusterId.ToString())
                throw new DumpException($"{name} ({api}) belongs to another cluster, {report.ClusterName} ({report.ClusterId}): its data are not this cluster's");
        }

        public async Task<IMigrationStream> OpenAsync(CancellationToken cancellationToken)
        {
            // Over a network compression is faster than the way; within one machine it only costs.
            var answer = await AskAsync("/dump", zip: !IsLocal, cancellationToken);
            try
            {
                return new Incoming(
                    answer,
                    Header(answer, CopyEndpoints.PositionHeader),
                    Number(answer, CopyEndpoints.LsnHeader),
                    Number(answer, CopyEndpoints.EstimateHeader),
                    await answer.Content.ReadAsStreamAsync(cancellationToken));
            }
            catch
            {
                answer.Dispose();
                throw;
            }
        }

        private bool IsLocal => api.IsLoopback;

        private async Task<HttpResponseMessage> AskAsync(string path, bool zip, CancellationToken cancellationToken)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(AnswerLimit);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(api, path));
                request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue(zip ? "gzip" : "identity"));
                var answer = await sources.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                if (answer.IsSuccessStatusCode)
                    return answer;
                using (answer)
                    throw new DumpException($"{name} ({api}) answered {(int)answer.StatusCode}: {await ProblemAsync(answer, limit.Token)}");
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new DumpException($"{name} ({api}) gave no answer within {AnswerLimit.TotalSeconds:0} s");
            }
            catch (HttpRequestException e)
            {
                throw new DumpException($"{name} ({api}) cannot be reached: {(e.InnerException ?? e).Message}", e);
            }
        }

        private static async Task<string> ProblemAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
        {
            var text = await answer.Content.ReadAsStringAsync(cancellationToken);
            try
            {
                return JsonSerializer.Deserialize(text, ApiJson.Readable.ProblemDocument) is { Detail: { } detail } ? detail : text;
            }
            catch (JsonException)
            {
                return text;
            }
        }

        private string Header(HttpResponseMessage answer, string header) =>
            answer.Headers.TryGetValues(header, out var values) ? values.First() : throw new DumpException($"{name} ({api}) sends a dump without the header {header}");

        private long Number(HttpResponseMessage answer, string header) =>
            long.TryParse(Header(answer, header), CultureInfo.InvariantCulture, out var number) ? number : throw new DumpException($"{name} ({api}) sends a dump whose header {header} is no number");
    }

    private sealed class Incoming(HttpResponseMessage answer, string position, long lsn, long estimatedBytes, Stream content) : IMigrationStream
    {
        public string Position => position;

        public long Lsn => lsn;

        public long EstimatedBytes => estimatedBytes;

        public Stream Content => content;

        public async ValueTask DisposeAsync()
        {
            await content.DisposeAsync();
            answer.Dispose();
        }
    }
}
