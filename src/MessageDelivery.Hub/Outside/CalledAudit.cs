namespace MessageDelivery.Hub.Outside;

/// <summary>
/// The embedder's audit: called on a thread of its own, or, if it says that it never waits, at once. What it throws is told to the log.
/// Any thread.
/// </summary>
internal sealed class CalledAudit : IHubAudit
{
    /// <summary>Events that may wait. Those of refusals leave half of that to users.</summary>
    public const int MaxWaiting = 8_192;

    private readonly IHubAudit _audit;
    private readonly OutsideFailures _failures;
    private readonly CallLine<AuditEvent>? _line;

    public CalledAudit(IHubAudit audit, OutsideFailures failures)
    {
        _audit = audit;
        _failures = failures;
        _line = audit.NeverWaits ? null : new("hub audit", MaxWaiting, Call, Failed);
    }

    public void Record(in AuditEvent auditEvent)
    {
        try
        {
            if (_line is null)
            {
                _audit.Record(auditEvent);
            }
            else if (!_line.TryAdd(auditEvent, auditEvent.Kind == AuditKind.Refused ? MaxWaiting / 2 : MaxWaiting))
            {
                _failures.Lost(OutsideCall.AuditRecord);
            }
        }
        catch (Exception exception)
        {
            Failed(exception);
        }
    }

    /// <summary>Tells what is waiting, for as long as the patience is, and nothing after that.</summary>
    public void Stop(TimeSpan patience) => _line?.Stop(patience);

    private void Call(AuditEvent auditEvent) => _audit.Record(auditEvent);

    private void Failed(Exception exception) => _failures.Failed(OutsideCall.AuditRecord, exception);
}
