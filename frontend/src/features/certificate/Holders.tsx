import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { certificateClustersQuery } from '../../api/queries';
import type { CertificateCluster } from '../../api/types';
import { Tag } from '../../components/Badge';
import { Lines, LoadError, MoreRows } from '../../components/States';
import { useProductName } from '../../lib/products';
import { useList } from '../../lib/use-list';

/** All clusters that hold a certificate, each with the nodes and stores that do (R29). */
export function Holders({ certificateId }: { certificateId: string }) {
  const { t } = useTranslation();
  const list = useList<CertificateCluster>(certificateClustersQuery(certificateId));
  return (
    <section className="panel-section">
      <h3>{t('holders.title')}</h3>
      {list.rows === undefined &&
        (list.error === null ? <Lines count={3} /> : <LoadError error={list.error} retry={list.retry} />)}
      {list.rows?.length === 0 && <p className="dim">{t('holders.none')}</p>}
      <ul className="holders">
        {list.rows?.map((holder) => (
          <Holder key={holder.cluster.id} holder={holder} />
        ))}
      </ul>
      <MoreRows list={list} />
    </section>
  );
}

function Holder({ holder }: { holder: CertificateCluster }) {
  const { t } = useTranslation();
  const productName = useProductName();
  return (
    <li>
      <span className="cell-main">
        <Link
          className="cell-name"
          to="/clusters/$clusterId/$tab"
          params={{ clusterId: holder.cluster.id, tab: holder.trust_count > 0 ? 'trust' : 'identity' }}
        >
          {holder.cluster.name}
        </Link>
        <span className="cell-second">
          <span>{productName(holder.product)}</span>
          <span>{t('nodes.count', { count: holder.node_count })}</span>
          {holder.identity_count > 0 && (
            <span>{t('holders.identity', { count: holder.identity_count })}</span>
          )}
          {holder.trust_count > 0 && <span>{t('holders.trust', { count: holder.trust_count })}</span>}
        </span>
      </span>
      <span className="tags">
        {holder.stores.map((store) => (
          <Tag key={store}>{store}</Tag>
        ))}
      </span>
    </li>
  );
}
