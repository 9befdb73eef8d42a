using MessageDelivery.Hub;
using MessageDelivery.Web.Answers;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Web.Metrics;

/// <summary><c>/metrics</c>: the figures of the hub in the Prometheus text format.</summary>
internal sealed class MetricsPage(Func<MessageHub> hub, ILogger logger) : IDisposable
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Lock _lock = new();
    private MeterReading? _reading;

    public Route Route => new("/metrics", context => Answer.BytesAsync(context, ContentType, Read()));

    public void Dispose()
    {
        lock (_lock)
        {
            _reading?.Dispose();
            _reading = null;
        }
    }

    private byte[] Read()
    {
        lock (_lock)
        {
            _reading ??= new(hub().Meter);
            byte[] text = _reading.Read(out var defect).ToArray();
            if (defect is not null)
            {
                logger.AnswerFailed("/metrics", defect);
            }

            return text;
        }
    }
}
