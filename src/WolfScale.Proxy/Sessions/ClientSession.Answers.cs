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
                AnswerRow(statement.Value.Length > 0 ? Encoding.UTF8.GetString(statement.Value.Of(sql)) : "@wolfscale_gtid", _seen?.ToString());
                return true;
            default:
                return false;
        }
    }

    private void AnswerOk()
    {
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = 1;
        new OkPacket(0, 0, _status & ~ServerStatus.SessionStateChanged, 0).Write(writer);
        ToClient(writer.Written.Span);
        if (Phase != SessionPhase.Closed)
            BecomeIdle();
    }

    /// <summary>A result of one text column and one row.</summary>
    private void AnswerRow(string column, string? value)
    {
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = 1;
        var own = _login!.MariaDb;
        _ = writer.Begin().LengthEncodedInteger(1);
        if ((own & MariaDbCapabilities.CacheMetadata) != 0)
            _ = writer.Byte(1);
        writer.End();
        new ColumnDefinition(column).Write(writer, (own & MariaDbCapabilities.ExtendedMetadata) != 0);
        if (Dialect.ClassicEof)
            new EofPacket(0, ServerStatus.AutoCommit).Write(writer);
        _ = writer.Begin();
        _ = value is null ? writer.Byte(0xFB) : writer.LengthEncodedText(value);
        writer.End();
        if (Dialect.ClassicEof)
            new EofPacket(0, _status).Write(writer);
        else
            writer.Begin().Byte(OkInfo.EndOfRowsMarker).Byte(0).Byte(0).UInt16((ushort)(_status & ~ServerStatus.SessionStateChanged)).UInt16(0).End();
        ToClient(writer.Written.Span);
        if (Phase != SessionPhase.Closed)
            BecomeIdle();
    }
}
