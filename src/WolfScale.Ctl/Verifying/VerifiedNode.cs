using System.Collections.Immutable;
using System.Text.Json;

namespace WolfScale.Ctl.Verifying;

/// <summary>One node's part in a verification.</summary>
internal sealed class VerifiedNode(string name, string id, NodeClient node)
{
    public string Name => name;

    /// <exception cref="NodeRefusedException">It cannot; the message says why.</exception>
    /// <exception cref="UnreachableException">It does not answer.</exception>
    public async Task<VerifyAnswer> StepAsync(VerifyRequest request, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(await node.PostAsync("/admin/verify", request, ApiJson.Default.VerifyRequest, cancellationToken), ApiJson.Default.VerifyAnswer)
        ?? throw new RefusedException($"What {name} answers is not of a WolfScale node of this version.");

    public Task<VerifyAnswer> StepAsync(string step, CancellationToken cancellationToken, long? atLsn = null) =>
        StepAsync(new VerifyRequest(id, step) { AtLsn = atLsn }, cancellationToken);

    public async Task<ImmutableArray<VerifiedObject>> SurveyAsync(CancellationToken cancellationToken) => (await StepAsync("survey", cancellationToken)).Objects ?? [];

    /// <summary>A request about a table.</summary>
    public VerifyRequest About(VerifiedObject table, string step) => new(id, step) { Schema = table.Schema, Table = table.Name };

    /// <summary>Whatever happens to it now does not matter any more.</summary>
    public async Task EndAsync()
    {
        try
        {
            _ = await StepAsync("end", CancellationToken.None);
        }
        catch (RefusedException)
        {
            // It ends by itself.
        }
    }
}
