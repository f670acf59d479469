using System.Globalization;
using System.Text;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>What the proxy answers itself.</summary>
internal sealed partial class ClientSession
{
    private bool TrySpecial(StatementClass statement, ReadOnlySpan<byte> sql)
    {
        switch (statement.Special)
        {
            case SpecialStatement.ForbiddenSet:
                Answer(ProxyErrors.Forbidden(statement.Value.Of(sql)));
                return true;
            case SpecialStatement.InvalidWolfscaleSet:
                Answer(ProxyErrors.InvalidSetting);
                return true;
            case SpecialStatement.SetConsistency:
                SetConsistency(Encoding.UTF8.GetString(statement.Value.Of(sql)));
                return true;
            case SpecialStatement.SetGtidToken:
                SetToken(Encoding.UTF8.GetString(statement.Value.Of(sql)));
                return true;
            case SpecialStatement.SelectGtidToken:
                AnswerToken(statement.Value.Length > 0 ? Encoding.UTF8.GetString(statement.Value.Of(sql)) : "@wolfscale_gtid");
                return true;
            case SpecialStatement.SelectLastGtid:
                AnswerRows([statement.Value.Length > 0 ? Encoding.UTF8.GetString(statement.Value.Of(sql)) : "@wolfscale_last_gtid"], [_lastGtid?.ToString()]);
                return true;
            case SpecialStatement.SelectConsistency:
                AnswerRows([statement.Value.Length > 0 ? Encoding.UTF8.GetString(statement.Value.Of(sql)) : "@wolfscale_consistency"], [_consistency.ToString().ToLowerInvariant()]);
                return true;
            case SpecialStatement.ShowWolfscaleStatus:
                AnswerStatus();
                return true;
            default:
                return false;
        }
    }

    /// <summary>What the last answer said of itself alone is left out: an answer that promises more results has its client wait for them.</summary>
    private ServerStatus StatusOfOwn =>
        _status & ~(ServerStatus.SessionStateChanged | ServerStatus.MoreResults | ServerStatus.CursorExists | ServerStatus.LastRowSent | ServerStatus.OutParameters);

    private void AnswerOk()
    {
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = 1;
        new OkPacket(0, 0, StatusOfOwn, 0).Write(writer);
        ToClient(writer.Written.Span);
        if (Phase != SessionPhase.Closed)
            BecomeIdle();
    }

    /// <summary>A result of text columns.</summary>
    private void AnswerRows(ReadOnlySpan<string> columns, params ReadOnlySpan<string?[]> rows)
    {
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = 1;
        var own = _login!.MariaDb;
        _ = writer.Begin().LengthEncodedInteger((ulong)columns.Length);
        if (Dialect.CachesMetadata)
            _ = writer.Byte(1);
        writer.End();
        foreach (var column in columns)
            new ColumnDefinition(column).Write(writer, (own & MariaDbCapabilities.ExtendedMetadata) != 0);
        var status = StatusOfOwn;
        if (Dialect.ClassicEof)
            new EofPacket(0, status).Write(writer);
        foreach (var row in rows)
        {
            _ = writer.Begin();
            foreach (var value in row)
                _ = value is null ? writer.Byte(0xFB) : writer.LengthEncodedText(value);
            writer.End();
        }

        if (Dialect.ClassicEof)
            new EofPacket(0, status).Write(writer);
        else
            writer.Begin().Byte(OkInfo.EndOfRowsMarker).Byte(0).Byte(0).UInt16((ushort)status).UInt16(0).End();
        ToClient(writer.Written.Span);
        if (Phase != SessionPhase.Closed)
            BecomeIdle();
    }

    /// <summary>SHOW WOLFSCALE STATUS: this session, the cluster as its node sees it, and the proxy.</summary>
    private void AnswerStatus()
    {
        var (routes, counters) = (_context.Routes.Current, _context.Counters);
        string?[][] rows =
        [
            ["Node", _context.Options.NodeId],
            ["Node_role", _context.Options.StandsAlone ? "PROXY" : routes.LeaderIsHere ? "LEADER" : "FOLLOWER"],
            ["Leader", routes.LeaderId.Length > 0 ? routes.LeaderId : null],
            ["Session_client", _clientAddress?.ToString()],
            ["Session_reader", _reader?.Id],
            ["Session_consistency", _consistency.ToString().ToLowerInvariant()],
            ["Session_gtid", _seen?.ToString()],
            ["Session_statements_leader", Number(_statementsBy.Sum() - _statementsBy[(int)TakenRoute.Local])],
            ["Session_statements_local", Number(_statementsBy[(int)TakenRoute.Local])],
            .. TakenRoutes.All.Select(r => new string?[] { "Session_route_" + r.Name(), Number(_statementsBy[(int)r]) }),
            ["Session_last_route", _lastRoute is TakenRoute.Local && _context.Options.StandsAlone ? "reader: " + _answeredBy : _lastRoute?.Describe()],
            ["Session_moves", Number(_moves)],
            ["Session_tied", _state.Tie],
            ["Proxy_connections_total", Number(counters.Connections.Value)],
            ["Proxy_connections_refused", Number(counters.Refused.Value)],
            ["Proxy_statements_leader", Number(counters.ToLeader)],
            ["Proxy_statements_local", Number(counters.LocalReads)],
            ["Proxy_moves", Number(counters.Moves.Value)],
            ["Proxy_parkings", Number(counters.Parked.Value)],
            .. TakenRoutes.All.Select(r => new string?[] { "Proxy_route_" + r.Name(), Number(counters.Statements(r)) }),
            .. Enum.GetValues<AnsweredBy>().SelectMany(Latencies),
        ];
        AnswerRows(["Variable_name", "Value"], rows);

        IEnumerable<string?[]> Latencies(AnsweredBy server)
        {
            var histogram = counters.Latency(server);
            var name = server switch { AnsweredBy.Local => "local", AnsweredBy.LeaderHere => "leader_here", _ => "leader_elsewhere" };
            foreach (var (text, share) in new[] { ("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1) })
                yield return [$"Proxy_latency_us_{name}_{text}", histogram.Quantile(share)?.ToString(CultureInfo.InvariantCulture)];
        }

        static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
    }
}
