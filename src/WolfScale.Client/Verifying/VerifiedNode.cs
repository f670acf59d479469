using System.Collections.Immutable;
using System.Text.Json;

namespace WolfScale.Client.Verifying;

/// <summary>One node's part in a verification.</summary>
public sealed class VerifiedNode(string name, string id, NodeClient node)
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
    /// <param name="outcome">For the node to remember; null: nothing came of it, or only a part was compared.</param>
    public async Task EndAsync(VerifyOutcome? outcome)
    {
        try
        {
            _ = await StepAsync(new VerifyRequest(id, "end") { Outcome = outcome }, CancellationToken.None);
        }
        catch (RefusedException)
        {
            // It ends by itself.
        }
    }
}
