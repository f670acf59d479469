using WolfScale.Protocol.Commands;
using WolfScale.Proxy.Responses;

namespace WolfScale.Proxy.Sessions;

/// <summary>Which answer follows which command.</summary>
internal static class CommandShapes
{
    public static ResponseShape Of(CommandCode code) => code switch
    {
        CommandCode.Query or CommandCode.StatementExecute or CommandCode.StatementBulkExecute or CommandCode.ProcessInfo => ResponseShape.Results,
        CommandCode.StatementPrepare => ResponseShape.Prepare,
        CommandCode.StatementFetch => ResponseShape.Rows,
        CommandCode.FieldList => ResponseShape.Fields,
        CommandCode.StatementClose or CommandCode.StatementSendLongData or CommandCode.Quit => ResponseShape.None,
        _ => ResponseShape.Single,
    };
}
